import type { RunContext } from '../../core/inference/context.js';
import type { ServableModel } from '../../core/model/provider.js';
import type { NamedSpec } from '../../core/model/signature.js';
import type { NamedTensors } from '../../core/tensor/tensor.js';
import { clientMethods } from '../../protocol/grpc/codec/client-methods.js';
import type { EncodedResponse } from '../../protocol/grpc/codec/infer-response.js';
import type { RemoteCalls } from './remote-calls.js';
import { readOutputs } from './remote-outputs.js';
import { brokenAnswer } from './upstream/upstream-failure.js';

/** A model of an upstream that gives one response to each request. */
export class RemoteModel implements ServableModel {
  constructor(
    private readonly calls: RemoteCalls,
    private readonly outputs: readonly NamedSpec[],
    readonly unload: () => void,
  ) {}

  async infer(inputs: NamedTensors, context: RunContext): Promise<NamedTensors> {
    const { upstream, target } = this.calls;
    const { ModelInfer } = clientMethods();
    const call = this.calls.toCall(inputs, context);
    const bytes = await this.calls.run(call, () => upstream.call(ModelInfer, call.request, call.limits));
    try {
      const { outputs, parameters } = ModelInfer.decode(bytes);
      const tensors = readOutputs(outputs, this.outputs, call.request.outputs);
      for (const { response } of call.callers) passOn(parameters, response.parameters);
      return tensors;
    } catch (cause) {
      throw brokenAnswer(upstream.name, target.model, (cause as Error).message, cause);
    }
  }
}

/** Says that a response is the last of its stream; this server tells its own callers itself. */
export const FINAL = 'triton_final_response';

/** Gives the caller the parameters of a response, in place of those of the response before. */
export function passOn(from: EncodedResponse['parameters'], to: Map<string, unknown>): void {
  to.clear();
  for (const [name, value] of from) if (name !== FINAL) to.set(name, value);
}
