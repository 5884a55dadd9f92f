import type { InferenceResponse } from '../../../core/inference/response.js';
import type { SequenceState } from '../../../core/model/scheduling.js';
import type { NamedSpec } from '../../../core/model/signature.js';
import type { NumericData } from '../../../core/tensor/datatype.js';
import { type NamedTensors, namedTensors, Tensor } from '../../../core/tensor/tensor.js';
import { zeros } from '../../../core/tensor/zeros.js';

/** Outputs that come back as inputs with the next request of their sequence; callers see neither. */
export class SequenceStates {
  readonly outputs: readonly NamedSpec[];
  /** The inputs that a sequence starts with. */
  readonly initial: NamedTensors;

  constructor(
    private readonly states: readonly SequenceState[],
    hasBatchDimension: boolean,
  ) {
    this.outputs = states.map(({ output: name, datatype, shape }) => {
      return { name, datatype, shape: hasBatchDimension ? [-1, ...shape] : shape, optional: false };
    });
    const first = namedTensors();
    for (const { input, datatype, shape, initial = zeros({ datatype, shape, optional: false }) } of states) {
      first[input] = new Tensor(datatype, hasBatchDimension ? [1, ...initial.shape] : initial.shape, initial.data);
    }
    this.initial = first;
  }

  /** The inputs of the next request: what came out of this one. */
  after({ outputs }: InferenceResponse): NamedTensors {
    const next = namedTensors();
    for (const { input, output } of this.states) {
      const tensor = outputs.find(({ name }) => name === output)?.tensor;
      if (tensor !== undefined) next[input] = ofItsOwn(tensor);
    }
    return next;
  }
}

/** A row of a batch is a view, and would keep the whole batch in memory. */
function ofItsOwn(tensor: Tensor): Tensor {
  if (tensor.datatype === 'BYTES') return tensor;
  const { datatype, shape } = tensor;
  const data = tensor.data as NumericData;
  return data.byteLength === data.buffer.byteLength ? tensor : new Tensor(datatype, shape, data.slice());
}
