import { decoupledModel } from '../../core/errors/catalogue.js';
import { ServingError } from '../../core/errors/serving-error.js';
import type { InferenceCall } from '../../core/inference/call.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import type { InferenceResponse } from '../../core/inference/response.js';
import type { ModelHandle } from '../registry/model-handle.js';
import { unlessAborted } from './abort.js';
import { collectOutputs } from './outputs.js';
import { RequestContext } from './request-context.js';

/** Runs one request on a model that gives one response, wherever the model lives. */
export async function execute(
  handle: ModelHandle,
  request: InferenceRequest,
  call: InferenceCall,
): Promise<InferenceResponse> {
  const { executor, name, version } = handle;
  if (executor.infer === undefined) throw decoupledModel(name);
  const context = new RequestContext(request, call);
  try {
    const result = executor.infer(request.inputs, context, call.timings);
    const returned = isThenable(result) ? await whileWanted(handle, Promise.resolve(result), call.signal) : result;
    return {
      model: name,
      version,
      id: request.id,
      parameters: context.response.parameters,
      outputs: collectOutputs(handle, returned, request.outputs),
    };
  } catch (thrown) {
    throw modelFailure(name, thrown);
  }
}

/** A model may answer with an error of its own; whatever else it throws is told to the log alone. */
export function modelFailure(name: string, thrown: unknown): ServingError {
  if (thrown instanceof ServingError) return thrown;
  const cause = thrown ?? new TypeError(`the model threw ${String(thrown)}`);
  return new ServingError('internal', `model '${name}' failed to execute the request`, { cause });
}

/** Not every promise is a `Promise`: query builders bring their own. */
const isThenable = (result: unknown): result is PromiseLike<unknown> =>
  result instanceof Promise || typeof (result as PromiseLike<unknown> | null | undefined)?.then === 'function';

/** A model's promise is raced with the caller's signal: who has gone, or waited too long, is not kept waiting. */
async function whileWanted<T>(handle: ModelHandle, run: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await unlessAborted(run, signal);
  } finally {
    if (signal.aborted) handle.abandon(run);
  }
}
