import type { ModelConfig } from '../../core/model/model-config.js';

/** Throws where requests are to be strung together: here those of one shape are merged, and no others. */
export function refuseRagged({ input, batch_input, batch_output }: ModelConfig, path: string): void {
  const ragged = input.find(({ allow_ragged_batch }) => allow_ragged_batch);
  const fields = [
    ...(ragged === undefined ? [] : [`allow_ragged_batch of input '${ragged.name}'`]),
    ...(batch_input.length > 0 ? ['batch_input'] : []),
    ...(batch_output.length > 0 ? ['batch_output'] : []),
  ];
  if (fields.length === 0) return;
  throw new Error(`${path}: ${fields.join(', ')}: ragged batches are not served here: pad the requests, and remove it`);
}
