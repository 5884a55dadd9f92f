import { decoupledModel } from '../../core/errors/catalogue.js';
import { ServingError } from '../../core/errors/serving-error.js';
import type { InferenceCall } from '../../core/inference/call.js';
import type { InferContext } from '../../core/inference/context.js';
import type { ParameterValue } from '../../core/inference/parameters.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import type { InferenceResponse } from '../../core/inference/response.js';
import type { NamedTensors } from '../../core/tensor/tensor.js';
import type { ModelHandle } from '../registry/model-handle.js';
import { unlessAborted } from './abort.js';
import { collectOutputs } from './outputs.js';

/** Runs one request on a model's `infer`, in this thread. */
export async function execute(
  handle: ModelHandle,
  request: InferenceRequest,
  call: InferenceCall,
): Promise<InferenceResponse> {
  const { model, name, version } = handle;
  if (model.infer === undefined) throw decoupledModel(name);
  const context = new RequestContext(request, call);
  const result = await runModel(handle, call, () => model.infer?.(request.inputs, context));
  return {
    model: name,
    version,
    id: request.id,
    parameters: context.response.parameters,
    outputs: collectOutputs(handle, result, request.outputs),
  };
}

async function runModel(
  handle: ModelHandle,
  call: InferenceCall,
  run: () => NamedTensors | Promise<NamedTensors> | undefined,
): Promise<unknown> {
  try {
    const result = run();
    return result instanceof Promise ? await whileWanted(handle, result, call.signal) : result;
  } catch (thrown) {
    if (thrown instanceof ServingError) throw thrown;
    throw new ServingError('internal', `model '${handle.name}' failed to execute the request`, { cause: thrown });
  }
}

/** A model's promise is raced with the caller's signal: who has gone, or waited too long, is not kept waiting. */
async function whileWanted<T>(handle: ModelHandle, run: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await unlessAborted(run, signal);
  } finally {
    if (signal.aborted) handle.abandon(run);
  }
}

/** The context of a model; the call's signal is only made when the model asks for it. */
class RequestContext implements InferContext {
  readonly response = { parameters: new Map<string, ParameterValue>() };

  constructor(
    private readonly request: InferenceRequest,
    private readonly call: InferenceCall,
  ) {}

  get id(): string {
    return this.request.id === '' ? this.call.requestId : this.request.id;
  }

  get signal(): AbortSignal {
    return this.call.signal;
  }

  get deadline(): number {
    return this.call.deadline;
  }

  get parameters(): InferContext['parameters'] {
    return this.request.parameters;
  }

  get principal(): InferContext['principal'] {
    return this.call.principal;
  }
}
