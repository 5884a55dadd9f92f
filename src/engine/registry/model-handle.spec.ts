import { expect, it } from 'vitest';
import { Deferred } from '../../testing/deferred.js';
import { fp32 } from '#core';
import { handleOf, requestOf } from '../../../test/support/engine.js';

it('bounds the queue of a priority that says nothing of its size as it bounds any other', async () => {
  const gate = new Deferred();
  const handle = handleOf({
    model: {
      infer: async () => {
        await gate.promise;
        return { y: fp32.of([0], []) };
      },
    },
    scheduling: { instances: 1, queue: { priorityLevels: 2, policies: { 1: { timeoutMs: 60_000 } } } },
    queue: { maxSize: 1 },
  });
  const call = () => ({
    requestId: 'r',
    signal: new AbortController().signal,
    deadline: Infinity,
    principal: undefined,
    timings: { queueNs: 0, computeNs: 0 },
  });
  const request = requestOf({ parameters: new Map([['priority', 1]]) });
  const [running, waiting] = [handle.scheduler.enqueue(request, call()), handle.scheduler.enqueue(request, call())];
  await expect(handle.scheduler.enqueue(request, call())).rejects.toThrow('Exceeds maximum queue size');
  gate.resolve();
  await Promise.all([running, waiting]);
});
