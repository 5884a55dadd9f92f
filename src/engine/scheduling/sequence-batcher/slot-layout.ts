import type { InferenceRequest } from '../../../core/inference/request.js';
import type { OutputTensor } from '../../../core/inference/response.js';
import { concatRows, sliceRows } from '../../../core/tensor/rows.js';
import { type NamedTensors, namedTensors, type Tensor } from '../../../core/tensor/tensor.js';
import { zeros } from '../../../core/tensor/zeros.js';
import { type BatchLayout, type LaidRequest, wrongRows } from '../dynamic-batcher/batch-layout.js';
import { kindOf } from '../dynamic-batcher/form-batch.js';

/** A request that has a row of its own in every batch. */
export interface SlottedRequest extends InferenceRequest {
  readonly row: number;
}

/**
 * Each sequence has the same row in all batches, the way of Triton's direct strategy; rows between them that have no
 * request are padded with zeros, and with what tells the model that they are not ready.
 */
export class SlotLayout implements BatchLayout {
  readonly kindOf = (request: InferenceRequest): string => kindOf(request);

  /** `notReady` are the inputs of a row without a request, where they are not zeros. */
  constructor(private readonly notReady: NamedTensors) {}

  merge(members: readonly LaidRequest[]): NamedTensors {
    const merged = namedTensors();
    const requests: (InferenceRequest | undefined)[] = Array<undefined>(heightOf(members)).fill(undefined);
    for (const { request } of members) requests[rowOf(request)] = request;
    for (const [name, tensor] of Object.entries(members[0]?.request.inputs ?? {})) {
      const padding = this.notReady[name] ?? zeros({ datatype: tensor.datatype, shape: tensor.shape, optional: false });
      merged[name] = concatRows(requests.map((request) => request?.inputs[name] ?? padding));
    }
    return merged;
  }

  split(model: string, { name, tensor }: OutputTensor, members: readonly LaidRequest[]): (index: number) => Tensor {
    const height = heightOf(members);
    if (tensor.shape[0] !== height) throw wrongRows(model, name, tensor, height);
    return (index) => {
      const row = rowOf(members[index]?.request);
      return sliceRows(tensor, row, row + 1);
    };
  }
}

const rowOf = (request: InferenceRequest | undefined): number => (request as SlottedRequest | undefined)?.row ?? 0;

const heightOf = (members: readonly LaidRequest[]): number =>
  Math.max(...members.map(({ request }) => rowOf(request))) + 1;
