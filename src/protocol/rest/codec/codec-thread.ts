import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { type CodecJob, runCodecJob, runReadJob } from './codec-jobs.js';

// There it is the priority of this thread alone: the event loop goes first.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

/** The entry of a thread that reads and writes large JSON; it imports the codec and nothing of the framework. */
parentPort?.on('message', (job: CodecJob) => {
  void Promise.resolve(job.kind === 'read' ? runReadJob(job) : runCodecJob(job)).then(({ message, moved }) =>
    parentPort?.postMessage(message, moved),
  );
});
