import type { InferenceCall } from '../../core/inference/call.js';
import type { InferenceResponse } from '../../core/inference/response.js';
import type { Exchange } from '../../core/inference/stage.js';
import { execute } from '../execution/executor.js';
import { executeStream } from '../execution/stream-executor.js';
import type { ModelHandle } from '../registry/model-handle.js';
import type { Scheduler } from '../scheduling/scheduler.js';

/** Hands the request to the model's scheduler, and notes how long it waited and ran. */
export async function schedule({ model, request, call }: Exchange): Promise<InferenceResponse> {
  const handle = model as ModelHandle;
  const queued = performance.now();
  return handle.scheduler.enqueue(async () => {
    const started = noteStart(call, queued);
    try {
      return await execute(handle, request, call);
    } finally {
      noteEnd(call, started);
    }
  });
}

/** The same for a decoupled model: it keeps its place in the scheduler until its last response was taken. */
export async function* scheduleStream({ model, request, call }: Exchange): AsyncGenerator<InferenceResponse, void> {
  const handle = model as ModelHandle;
  const queued = performance.now();
  const leave = await placeIn(handle.scheduler);
  const started = noteStart(call, queued);
  try {
    yield* executeStream(handle, request, call);
  } finally {
    noteEnd(call, started);
    leave();
  }
}

/** Waits for a turn, and gives the way to end it. */
function placeIn(scheduler: Scheduler): Promise<() => void> {
  return new Promise((admitted, refused) => {
    scheduler.enqueue(() => new Promise<void>(admitted)).catch(refused);
  });
}

function noteStart(call: InferenceCall, queued: number): number {
  const started = performance.now();
  call.timings.queueNs += (started - queued) * 1e6;
  return started;
}

function noteEnd(call: InferenceCall, started: number): void {
  call.timings.computeNs += (performance.now() - started) * 1e6;
}
