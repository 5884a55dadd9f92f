import type { InferenceCall } from '../../../core/inference/call.js';
import type { BatchContext, BatchedRequest } from '../../../core/inference/context.js';
import type { InferenceRequest } from '../../../core/inference/request.js';
import type { InferenceResponse, OutputTensor } from '../../../core/inference/response.js';
import { concatRows, sliceRows } from '../../../core/tensor/rows.js';
import { type NamedTensors, namedTensors, type Tensor } from '../../../core/tensor/tensor.js';
import { responseOf, run } from '../../execution/executor.js';
import { broken, requestedOf } from '../../execution/outputs.js';
import { RequestContext } from '../../execution/request-context.js';
import type { RunnableModel } from '../../execution/runnable-model.js';
import { BatchSignal } from './batch-signal.js';

/** A request with its place in a batch. */
export interface BatchMember {
  readonly request: InferenceRequest;
  readonly call: InferenceCall;
  readonly rows: number;
}

/** Runs some requests as one, and gives the response of each. Rejects with the one error that the model threw. */
export async function runBatch(model: RunnableModel, members: readonly BatchMember[]): Promise<InferenceResponse[]> {
  const contexts = members.map(({ request, call, rows }) => new MemberContext(request, call, rows));
  const wanted = new BatchSignal(members.map(({ call }) => call.signal));
  const timings = { queueNs: 0, computeNs: 0 };
  const started = performance.now();
  try {
    const context: BatchContext = { requests: contexts satisfies readonly BatchedRequest[], signal: wanted.signal };
    const outputs = await run(model, mergeInputs(members), context, timings);
    return splitOutputs(model, members, contexts, outputs);
  } finally {
    wanted.release();
    const computeNs = timings.computeNs + (performance.now() - started) * 1e6;
    for (const { call } of members) {
      call.timings.queueNs += timings.queueNs;
      call.timings.computeNs += computeNs;
    }
  }
}

function mergeInputs(members: readonly BatchMember[]): NamedTensors {
  const merged = namedTensors();
  const [first] = members;
  for (const name in first?.request.inputs) {
    const tensors = members.flatMap(({ request }) => request.inputs[name] ?? ([] as Tensor[]));
    if (tensors.length > 0) merged[name] = concatRows(tensors);
  }
  return merged;
}

function splitOutputs(
  model: RunnableModel,
  members: readonly BatchMember[],
  contexts: readonly MemberContext[],
  outputs: readonly OutputTensor[],
): InferenceResponse[] {
  const total = members.reduce((sum, { rows }) => sum + rows, 0);
  for (const { name, tensor } of outputs) {
    if (tensor.shape[0] === total) continue;
    throw broken(model.name, `returned output '${name}' of ${tensor.shape[0] ?? 'no'} rows for a batch of ${total}`);
  }
  let start = 0;
  return members.map(({ request, rows }, index) => {
    const [from, to] = [start, (start += rows)];
    const own = requestedOf(outputs, request.outputs).map(({ name, tensor }) => ({
      name,
      tensor: members.length === 1 ? tensor : sliceRows(tensor, from, to),
    }));
    return responseOf(model, request, contexts[index] as MemberContext, own);
  });
}

class MemberContext extends RequestContext implements BatchedRequest {
  constructor(
    request: InferenceRequest,
    call: InferenceCall,
    readonly rows: number,
  ) {
    super(request, call);
  }
}
