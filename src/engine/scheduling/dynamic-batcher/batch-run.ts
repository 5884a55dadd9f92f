import type { CallTimings, InferenceCall } from '../../../core/inference/call.js';
import type { BatchContext, BatchedRequest } from '../../../core/inference/context.js';
import { NO_PARAMETERS, type Parameters } from '../../../core/inference/parameters.js';
import type { InferenceRequest } from '../../../core/inference/request.js';
import type { InferenceResponse, OutputTensor } from '../../../core/inference/response.js';
import { responseOf, run } from '../../execution/executor.js';
import { requestedOf } from '../../execution/outputs.js';
import { RequestContext } from '../../execution/request-context.js';
import type { RunnableModel } from '../../execution/runnable-model.js';
import { type BatchLayout, type LaidRequest } from './batch-layout.js';
import { BatchSignal } from './batch-signal.js';
import { beginBatch, endBatch } from './observed-batch.js';

/** A request of a batch, with its caller. */
export interface BatchMember extends LaidRequest {
  readonly call: InferenceCall;
}

/** Runs some requests as one, and gives the response of each. Rejects with the one error that the model threw. */
export async function runBatch(
  model: RunnableModel,
  members: readonly BatchMember[],
  layout: BatchLayout,
): Promise<InferenceResponse[]> {
  const context = new MergedContext(members);
  const started = performance.now();
  const timings: CallTimings = { queueNs: 0, computeNs: 0, execution: beginBatch(members, started) };
  let failure: unknown;
  try {
    const inputs = layout.merge(members);
    if (timings.execution !== undefined) timings.execution.inputEnd = performance.now();
    const outputs = await run(model, inputs, context, timings);
    return responsesOf(model, members, context, outputs, layout);
  } catch (thrown) {
    failure = thrown;
    throw thrown;
  } finally {
    context.release();
    const ended = performance.now();
    if (timings.execution !== undefined) endBatch(members, timings.execution, ended, failure);
    const computeNs = timings.computeNs + (ended - started) * 1e6;
    for (const { call } of members) {
      call.timings.queueNs += timings.queueNs;
      call.timings.computeNs += computeNs;
    }
  }
}

function responsesOf(
  model: RunnableModel,
  members: readonly BatchMember[],
  context: MergedContext,
  outputs: readonly OutputTensor[],
  layout: BatchLayout,
): InferenceResponse[] {
  const parts = outputs.map((output) => ({ name: output.name, of: layout.split(model.name, output, members) }));
  return members.map(({ request }, index) => {
    const own = requestedOf(parts, request.outputs).map(({ name, of }) => ({ name, tensor: of(index) }));
    return responseOf(model, request, context.parametersOf(index), own);
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

class MergedContext implements BatchContext {
  private wanted: BatchSignal | undefined;
  private told: readonly MemberContext[] | undefined;

  constructor(private readonly members: readonly BatchMember[]) {}

  /** Made on first use: few models look at who is in a batch. */
  get requests(): readonly MemberContext[] {
    this.told ??= this.members.map(({ request, call, rows }) => new MemberContext(request, call, rows));
    return this.told;
  }

  /** What the model has said of the response of a member. */
  parametersOf(index: number): Parameters {
    return this.told?.[index]?.responseParameters ?? NO_PARAMETERS;
  }

  /** Made on first use: few models ask for it. */
  get signal(): AbortSignal {
    this.wanted ??= new BatchSignal(this.members.map(({ call }) => call.signal));
    return this.wanted.signal;
  }

  release(): void {
    this.wanted?.release();
  }
}
