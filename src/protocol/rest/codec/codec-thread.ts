import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import type { CodecJob } from './codec-jobs.js';
import { runCodecJob, runModuleJob } from './run-codec-job.js';

// There it is the priority of this thread alone: the event loop goes first.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

/** The entry of a thread that reads and writes large JSON; it imports the codec and nothing of the framework. */
parentPort?.on('message', (job: CodecJob) => {
  const isOwn = job.kind === 'decode' || job.kind === 'encode';
  void Promise.resolve(isOwn ? runCodecJob(job) : runModuleJob(job)).then(({ message, moved }) =>
    parentPort?.postMessage(message, moved),
  );
});
