import type { ModelConfig, ModelWarmup, ModelWarmupInput } from '../../../../core/model/model-config.js';
import { staysInFolder } from '../../containment.js';
import { batchLimit } from './batch-limit.js';

/** What is wrong with the samples that warm a model up. */
export function* warmupProblems(config: ModelConfig): Generator<string> {
  const { model_warmup, input, sequence_batching } = config;
  const controls = sequence_batching?.control_input ?? [];
  const names = new Set([...input, ...controls].map(({ name }) => name));
  const limit = Math.max(batchLimit(config), 1);
  for (const [index, sample] of model_warmup.entries()) {
    const at = `model_warmup[${index}]`;
    if (sample.batch_size > limit) {
      yield (
        `${at}.batch_size: ${sample.batch_size} of sample '${sample.name}' is over max_batch_size ` +
        `${config.max_batch_size}: use a smaller one`
      );
    }
    // Without inputs the list is still to be completed.
    if (input.length > 0) yield* nameProblems(at, sample, names);
    for (const [name, tensor] of Object.entries(sample.inputs)) yield* inputProblems(`${at}.inputs['${name}']`, tensor);
  }
}

function* nameProblems(at: string, { name, inputs }: ModelWarmup, known: ReadonlySet<string>): Generator<string> {
  for (const unknown of Object.keys(inputs).filter((tensor) => !known.has(tensor))) {
    yield `${at}.inputs: '${unknown}' of sample '${name}' is no input: use ${[...known].join(', ')}`;
  }
}

function* inputProblems(
  at: string,
  { data_type, dims, zero_data, random_data, input_data_file }: ModelWarmupInput,
): Generator<string> {
  if (data_type === 'TYPE_INVALID') yield `${at}.data_type: is missing: set the input's`;
  const wrong = dims.find((dimension) => dimension < 1);
  if (wrong !== undefined) yield `${at}.dims: ${wrong} is no size that can be made: use integers >= 1`;
  const sources = [zero_data, random_data, input_data_file].filter((source) => source !== undefined);
  if (sources.length !== 1) {
    yield `${at}: has ${sources.length} of zero_data, random_data and input_data_file: set one`;
  }
  if (input_data_file !== undefined && !staysInFolder(input_data_file)) {
    yield `${at}.input_data_file: '${input_data_file}' leads out of warmup/: put the file there`;
  }
}
