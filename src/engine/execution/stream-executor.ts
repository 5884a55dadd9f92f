import type { InferenceCall } from '../../core/inference/call.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import type { InferenceResponse } from '../../core/inference/response.js';
import type { NamedTensors } from '../../core/tensor/tensor.js';
import type { RunnableModel } from './runnable-model.js';
import { unlessAborted } from './abort.js';
import { modelFailure } from './executor.js';
import { collectOutputs, requestedOf } from './outputs.js';
import { RequestContext } from './request-context.js';
import { StreamWatch } from './stream-watch.js';

/**
 * Runs one request on a decoupled model, wherever it lives, and notes how long that took: a response for each set of outputs that it yields. The model
 * goes on only when its last response was taken, and is ended where it stands when the caller is gone.
 */
export async function* executeStream(
  model: RunnableModel,
  request: InferenceRequest,
  call: InferenceCall,
): AsyncGenerator<InferenceResponse, void> {
  const { executor, name, version } = model;
  const context = new RequestContext(request, call);
  const { signal, timings } = call;
  const started = performance.now();
  const watch = timings.observed && new StreamWatch(timings, timings.observed, started);
  let iterator: AsyncIterator<NamedTensors> | undefined;
  let ended = false;
  try {
    iterator = open(executor.stream?.(request.inputs, context));
    for (;;) {
      watch?.asked();
      const { done, value } = await unlessAborted(iterator.next(), signal);
      watch?.answered();
      ended = done === true;
      if (ended) return;
      const parameters = new Map(context.response.parameters);
      const outputs = requestedOf(collectOutputs(model, value, context), request.outputs);
      const response = { model: name, version, id: request.id, parameters, outputs };
      watch?.made(response);
      yield response;
    }
  } catch (thrown) {
    const failure = modelFailure(name, thrown);
    watch?.failed(failure, signal.aborted);
    throw failure;
  } finally {
    // A generator that waits for something of its own ends when that comes; nobody waits for it.
    if (!ended) iterator?.return?.().catch(() => undefined);
    const now = performance.now();
    timings.computeNs += (now - started) * 1e6;
    watch?.finish(now, ended);
  }
}

function open(outputs: AsyncIterable<NamedTensors> | Iterable<NamedTensors> | undefined): AsyncIterator<NamedTensors> {
  if (outputs === undefined) throw new TypeError('stream returned nothing to iterate');
  if (Symbol.asyncIterator in outputs) return outputs[Symbol.asyncIterator]();
  const iterator = outputs[Symbol.iterator]();
  return {
    next: async () => iterator.next(),
    return: async () => iterator.return?.() ?? { done: true, value: undefined },
  };
}
