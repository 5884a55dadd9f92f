import type { BatchInput, BatchOutput, ModelConfig, ModelInput } from '../../../../core/model/model-config.js';

/** What is wrong with the ragged batches of a configuration. */
export function* raggedProblems(config: ModelConfig): Generator<string> {
  const { input, output, batch_input, batch_output } = config;
  const ragged = input.filter(({ allow_ragged_batch }) => allow_ragged_batch);
  const fields = [
    ...(ragged.length > 0 ? ['allow_ragged_batch'] : []),
    ...(batch_input.length > 0 ? ['batch_input'] : []),
    ...(batch_output.length > 0 ? ['batch_output'] : []),
  ];
  if (fields.length === 0) return;
  if (config.dynamic_batching === undefined || config.max_batch_size < 1) {
    yield `${fields.join(', ')}: needs dynamic_batching and a max_batch_size above 0: set both, or remove it`;
  }
  for (const { name, dims, reshape } of ragged) {
    if (dims.length === 0) yield `input.dims: [] of '${name}' with allow_ragged_batch: write the dims of one request`;
    if (reshape !== undefined) yield `input.reshape: of '${name}' does not go with allow_ragged_batch: remove it`;
  }
  yield* batchProblems('batch_input', batch_input, input);
  yield* batchProblems('batch_output', batch_output, input);
  for (const [index, { data_type, kind }] of batch_input.entries()) {
    if (data_type === 'TYPE_INT32' || data_type === 'TYPE_FP32') continue;
    yield `batch_input[${index}].data_type: ${data_type} is none that ${kind} can have: use TYPE_INT32 or TYPE_FP32`;
  }
  for (const [index, { target_name, source_input }] of batch_output.entries()) {
    const source = input.find(({ name }) => name === source_input[0]);
    for (const target of target_name) {
      const at = `batch_output[${index}].target_name: '${target}'`;
      const scattered = output.find(({ name }) => name === target);
      if (scattered === undefined) yield `${at} is no output: list it as one, with its dims`;
      else if (scattered.reshape !== undefined) yield `${at} does not go with reshape: remove it`;
      else if (source !== undefined && scattered.dims.some((size, axis) => size === -1 && axis >= source.dims.length)) {
        yield `${at} has a variable dimension that '${source.name}' has not: use dims of at most ${source.dims.length}`;
      }
    }
  }
}

function* batchProblems(
  field: 'batch_input' | 'batch_output',
  batches: readonly (BatchInput | BatchOutput)[],
  inputs: readonly ModelInput[],
): Generator<string> {
  const names = new Set(inputs.map(({ name }) => name));
  for (const [index, { kind, target_name, source_input }] of batches.entries()) {
    const at = `${field}[${index}]`;
    if (target_name.length === 0) yield `${at}.target_name: [] is no target: name the tensors of the model`;
    if (source_input.length !== 1) {
      yield `${at}.source_input: ${kind} takes one input, not ${source_input.length}: name one`;
    }
    // Without inputs the list is still to be completed.
    for (const name of names.size === 0 ? [] : source_input) {
      if (!names.has(name)) yield `${at}.source_input: '${name}' is no input: use one of ${[...names].join(', ')}`;
    }
  }
}
