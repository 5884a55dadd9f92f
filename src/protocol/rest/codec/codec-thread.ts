import { parentPort } from 'node:worker_threads';
import { type CodecJob, runCodecJob, runReadJob } from './codec-jobs.js';

/** The entry of a thread that reads and writes large JSON; it imports the codec and nothing of the framework. */
parentPort?.on('message', (job: CodecJob) => {
  void Promise.resolve(job.kind === 'read' ? runReadJob(job) : runCodecJob(job)).then(({ message, moved }) =>
    parentPort?.postMessage(message, moved),
  );
});
