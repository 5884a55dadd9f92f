import { decoupledModel } from '../../core/errors/catalogue.js';
import { ServingError } from '../../core/errors/serving-error.js';
import type { CallTimings, InferenceCall } from '../../core/inference/call.js';
import type { RunContext } from '../../core/inference/context.js';
import { departureOf, unwatch, watch } from '../../core/inference/watched-call.js';
import type { Parameters } from '../../core/inference/parameters.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import type { InferenceResponse, OutputTensor } from '../../core/inference/response.js';
import type { NamedTensors } from '../../core/tensor/tensor.js';
import { beginExecution, endExecution } from './observed-execution.js';
import { collectOutputs, requestedOf } from './outputs.js';
import { RequestContext } from './request-context.js';
import type { RunnableModel } from './runnable-model.js';

/** Runs one request on a model that gives one response, wherever the model lives, and notes how long that took. */
export async function execute(
  model: RunnableModel,
  request: InferenceRequest,
  call: InferenceCall,
): Promise<InferenceResponse> {
  const { timings } = call;
  const started = performance.now();
  if (timings.observed !== undefined) beginExecution(timings, timings.observed, started);
  let failure: unknown;
  try {
    const context = new RequestContext(request, call);
    const running = run(model, request.inputs, context, timings);
    const outputs = running instanceof Promise ? await whileWanted(model, running, call) : running;
    return responseOf(model, request, context.responseParameters, requestedOf(outputs, request.outputs));
  } catch (thrown) {
    failure = thrown;
    throw thrown;
  } finally {
    const ended = performance.now();
    timings.computeNs += (ended - started) * 1e6;
    if (timings.observed !== undefined) endExecution(timings, timings.observed, ended, failure);
  }
}

/**
 * Runs a model once, and holds what it returns against its signature. Gives the outputs at once where the model does.
 * Throws a `ServingError`, at once or later.
 */
export function run(
  model: RunnableModel,
  inputs: NamedTensors,
  context: RunContext,
  timings: CallTimings,
): OutputTensor[] | Promise<OutputTensor[]> {
  if (model.executor.infer === undefined) throw decoupledModel(model.name);
  try {
    const returned = model.executor.infer(inputs, context, timings);
    if (isThenable(returned)) return settle(model, returned, context, timings);
    noteAnswer(timings);
    return collectOutputs(model, returned, context);
  } catch (thrown) {
    throw modelFailure(model.name, thrown);
  }
}

async function settle(
  model: RunnableModel,
  returned: PromiseLike<unknown>,
  context: RunContext,
  timings: CallTimings,
): Promise<OutputTensor[]> {
  try {
    const outputs = await returned;
    noteAnswer(timings);
    return collectOutputs(model, outputs, context);
  } catch (thrown) {
    throw modelFailure(model.name, thrown);
  }
}

function noteAnswer({ execution }: CallTimings): void {
  if (execution !== undefined) execution.outputStart = performance.now();
}

export const responseOf = (
  { name: model, version }: RunnableModel,
  { id }: InferenceRequest,
  parameters: Parameters,
  outputs: readonly OutputTensor[],
): InferenceResponse => ({ model, version, id, parameters, outputs });

/** A model may answer with an error of its own; whatever else it throws is told to the log alone. */
export function modelFailure(name: string, thrown: unknown): ServingError {
  if (thrown instanceof ServingError) return thrown;
  const cause = thrown ?? new TypeError(`the model threw ${String(thrown)}`);
  return new ServingError('internal', `model '${name}' failed to execute the request`, { cause });
}

/** Not every promise is a `Promise`: query builders bring their own. */
const isThenable = (result: unknown): result is PromiseLike<unknown> =>
  result instanceof Promise || typeof (result as PromiseLike<unknown> | null | undefined)?.then === 'function';

/** A model's promise is raced with its caller: who has gone, or waited too long, is not kept waiting. */
function whileWanted<T>(model: RunnableModel, running: Promise<T>, call: InferenceCall): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      model.abandon(running);
      reject(departureOf(call));
    };
    if (departureOf(call) !== undefined) return leave();
    const listener = { handleEvent: leave };
    watch(call, listener);
    running.then(
      (result) => {
        unwatch(call, listener);
        resolve(result);
      },
      (failure: unknown) => {
        unwatch(call, listener);
        reject(failure);
      },
    );
  });
}
