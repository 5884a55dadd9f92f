import { invalidArgument } from '../../../core/errors/catalogue.js';
import type { SequenceContext } from '../../../core/inference/context.js';
import type { SequenceControl } from '../../../core/model/scheduling.js';
import type { Datatype } from '../../../core/tensor/datatype.js';
import * as kinds from '../../../core/tensor/kinds.js';
import type { Shape } from '../../../core/tensor/shape.js';
import { type NamedTensors, namedTensors, type Tensor } from '../../../core/tensor/tensor.js';
import type { SequenceId } from './sequence-parameters.js';

type Fill = (turn: SequenceContext) => Tensor;

/** The inputs by which a model is told of the sequence; callers do not send them. */
export class SequenceControls {
  private readonly fills: readonly (readonly [input: string, fill: Fill])[];
  private readonly idControl: SequenceControl | undefined;
  /** What tells a model that a row has no request; `undefined` for one that is not told. */
  readonly notReady: NamedTensors | undefined;

  constructor(
    private readonly model: string,
    controls: readonly SequenceControl[],
    /** Of one value: `[1, 1]` for a model with a batch dimension, else `[1]`. */
    private readonly shape: Shape,
  ) {
    this.fills = controls.map((control) => [control.input, this.fillOf(control)]);
    this.idControl = controls.find(({ kind }) => kind === 'correlation-id');
    const ready = controls.find(({ kind }) => kind === 'ready');
    this.notReady = ready && Object.assign(namedTensors(), { [ready.input]: this.valuesOf(ready).no });
  }

  /** Throws `invalid-argument` for an id that the model's input cannot carry. */
  check(id: SequenceId): void {
    if (this.idControl !== undefined) this.idTensor(this.idControl, id);
  }

  /** Whether ids are texts to the model. */
  get takesText(): boolean {
    return this.idControl?.datatype === 'BYTES';
  }

  inputsOf(turn: SequenceContext): NamedTensors {
    const inputs = namedTensors();
    for (const [input, fill] of this.fills) inputs[input] = fill(turn);
    return inputs;
  }

  private fillOf(control: SequenceControl): Fill {
    const { kind } = control;
    if (kind === 'correlation-id') return ({ id }) => this.idTensor(control, id);
    const { no, yes } = this.valuesOf(control);
    switch (kind) {
      case 'start':
        return ({ start }) => (start ? yes : no);
      case 'end':
        return ({ end }) => (end ? yes : no);
      case 'ready':
        return () => yes;
    }
  }

  private valuesOf({ datatype, values: [no, yes] = [0, 1] }: SequenceControl) {
    return { no: tensorOf(datatype, this.shape, no), yes: tensorOf(datatype, this.shape, yes) };
  }

  private idTensor({ input, datatype }: SequenceControl, id: SequenceId): Tensor {
    const { model, shape } = this;
    const isText = typeof id === 'string';
    if (isText !== (datatype === 'BYTES')) {
      throw invalidArgument(
        `sequence batching control '${input}' data-type is '${isText ? 'BYTES' : 'UINT64'}', but model '${model}' expects '${datatype}'`,
      );
    }
    try {
      return tensorOf(datatype, shape, id);
    } catch (failure) {
      if (!(failure instanceof RangeError)) throw failure;
      throw invalidArgument(`sequence batching control '${input}' of model '${model}': ${failure.message}`);
    }
  }
}

const KINDS: ReadonlyMap<Datatype, unknown> = new Map(
  Object.values(kinds).flatMap((kind) => ('datatype' in kind ? [[kind.datatype, kind] as const] : [])),
);

const tensorOf = (datatype: Datatype, shape: Shape, value: SequenceId): Tensor =>
  (KINDS.get(datatype) as kinds.TensorKind<Datatype>).of(shape, [value] as never);
