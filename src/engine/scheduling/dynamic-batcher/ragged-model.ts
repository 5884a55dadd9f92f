import type { RaggedBatching } from '../../../core/model/scheduling.js';
import { RunnableModel } from '../../execution/runnable-model.js';

/** A model as ragged batches run on it: outputs that are scattered over the requests come strung together. */
export class RaggedModel extends RunnableModel {
  constructor(
    private readonly served: RunnableModel,
    { scattered }: RaggedBatching,
  ) {
    const { name, version, inputs, outputs, model, executor } = served;
    const flat = outputs.map((spec) =>
      scattered.some(({ output }) => output === spec.name) ? { ...spec, shape: [-1] } : spec,
    );
    super(name, version, { inputs, outputs: flat, model, executor });
  }

  override abandon(run: Promise<unknown>): void {
    this.served.abandon(run);
  }
}
