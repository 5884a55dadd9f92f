import type { BatchInput, ModelConfig } from '../../../core/model/model-config.js';
import type { GeneratedInput, RaggedBatching } from '../../../core/model/scheduling.js';
import { withBatch } from './protocol-signature.js';

/** How requests of different shapes are merged; `undefined` where the configuration merges by rows alone. */
export function raggedOptions(config: ModelConfig): RaggedBatching | undefined {
  const { input, output, batch_input, batch_output, max_batch_size } = config;
  const inputs = input.flatMap(({ name, allow_ragged_batch }) => (allow_ragged_batch ? [name] : []));
  if (inputs.length === 0 && batch_input.length === 0 && batch_output.length === 0) return undefined;
  return {
    inputs,
    generated: batch_input.map(({ kind, target_name, data_type, source_input: [source = ''] }) => ({
      kind: KINDS[kind],
      inputs: target_name,
      datatype: data_type === 'TYPE_FP32' ? 'FP32' : 'INT32',
      source,
    })),
    scattered: batch_output.flatMap(({ target_name, source_input: [source = ''] }) =>
      output
        .filter(({ name }) => target_name.includes(name))
        .map(({ name, dims }) => ({ output: name, source, shape: withBatch(dims, max_batch_size) })),
    ),
  };
}

const KINDS = {
  BATCH_ELEMENT_COUNT: 'element-count',
  BATCH_ACCUMULATED_ELEMENT_COUNT: 'accumulated-element-count',
  BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO: 'accumulated-element-count-with-zero',
  BATCH_MAX_ELEMENT_COUNT_AS_SHAPE: 'max-element-count-as-shape',
  BATCH_ITEM_SHAPE: 'item-shape',
  BATCH_ITEM_SHAPE_FLATTEN: 'item-shape-flatten',
} as const satisfies Record<BatchInput['kind'], GeneratedInput['kind']>;
