import { parentPort } from 'node:worker_threads';
import { type CodecJob, runCodecJob } from './codec-jobs.js';

/** The entry of a thread that reads and writes large JSON; it imports the codec and nothing of the framework. */
parentPort?.on('message', (job: CodecJob) => {
  const { message, moved } = runCodecJob(job);
  parentPort?.postMessage(message, moved);
});
