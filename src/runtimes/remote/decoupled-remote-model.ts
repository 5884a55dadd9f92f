import { ServingError } from '../../core/errors/serving-error.js';
import type { InferContext } from '../../core/inference/context.js';
import type { ServableModel } from '../../core/model/provider.js';
import type { NamedSpec } from '../../core/model/signature.js';
import type { NamedTensors } from '../../core/tensor/tensor.js';
import { clientMethods } from '../../protocol/grpc/codec/client-methods.js';
import type { RemoteCall, RemoteCalls } from './remote-calls.js';
import { FINAL, passOn } from './remote-model.js';
import { readOutputs } from './remote-outputs.js';
import { brokenAnswer } from './upstream/upstream-failure.js';

/** Asks for a last response without outputs where the model gives none that is marked as the last. */
const EMPTY_FINAL = 'triton_enable_empty_final_response';

/** A model of an upstream that gives any number of responses to a request. */
export class DecoupledRemoteModel implements ServableModel {
  constructor(
    private readonly calls: RemoteCalls,
    private readonly outputs: readonly NamedSpec[],
    readonly unload: () => void,
  ) {}

  async *stream(inputs: NamedTensors, context: InferContext): AsyncGenerator<NamedTensors, void> {
    const call = this.calls.toCall(inputs, context);
    const { replies, first } = await this.calls.run(call, async () => this.open(call));
    const startedAt = Date.now();
    try {
      for (let next = first; next.done !== true; next = await replies.next()) {
        const { isFinal, outputs } = this.read(next.value, call, context);
        if (outputs !== undefined) yield outputs;
        if (isFinal) return;
      }
    } catch (failure) {
      this.calls.judge(failure, startedAt);
      throw failure;
    } finally {
      await replies.return();
    }
  }

  /** Until the first response has come, nothing is lost by another attempt. */
  private async open({ request, limits }: RemoteCall) {
    const parameters = new Map(request.parameters).set(EMPTY_FINAL, true);
    const replies = this.calls.upstream.stream(clientMethods().ModelStreamInfer, { ...request, parameters }, limits);
    return { replies, first: await replies.next() };
  }

  private read(
    bytes: Buffer,
    { request }: RemoteCall,
    context: InferContext,
  ): { isFinal: boolean; outputs?: NamedTensors } {
    const { error, response } = this.checked(() => clientMethods().ModelStreamInfer.decode(bytes));
    if (error !== '') throw new ServingError('internal', error);
    if (response === undefined) throw this.broken('it has neither a response nor an error');
    const isFinal = response.parameters.get(FINAL) === true;
    if (isFinal && response.outputs.length === 0) return { isFinal };
    const outputs = this.checked(() => readOutputs(response.outputs, this.outputs, request.outputs));
    passOn(response.parameters, context.response.parameters);
    return { isFinal, outputs };
  }

  private checked<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      throw this.broken((cause as Error).message, cause);
    }
  }

  private broken(what: string, cause?: unknown): ServingError {
    return brokenAnswer(this.calls.upstream.name, this.calls.target.model, what, cause);
  }
}
