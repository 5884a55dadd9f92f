import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { NO_PARAMETERS } from '../../core/inference/parameters.js';
import type { ModelConfig, ModelWarmup, ModelWarmupInput } from '../../core/model/model-config.js';
import type { NamedSpec } from '../../core/model/signature.js';
import { type Datatype, datatypeInfo } from '../../core/tensor/datatype.js';
import { toBf16, toFp16 } from '../../core/tensor/half.js';
import { decodeRaw } from '../../core/tensor/raw.js';
import type { Shape } from '../../core/tensor/shape.js';
import { type NamedTensors, namedTensors, type Tensor } from '../../core/tensor/tensor.js';
import { zeros } from '../../core/tensor/zeros.js';
import type { WarmUpSample } from '../../engine/execution/warm-up.js';
import { ROWS } from '../../engine/scheduling/dynamic-batcher/batch-layout.js';
import { RaggedLayout } from '../../engine/scheduling/dynamic-batcher/ragged-layout.js';
import { toDatatype } from '../layouts/triton/protocol-signature.js';
import { raggedOptions } from '../layouts/triton/ragged-options.js';
import type { ModelFolder } from './model-folder.js';

/**
 * The samples of `model_warmup`. `hidden` are the inputs that a scheduler fills in: where a sample says nothing of them
 * they are zeros. Throws for a file that is not there, or does not hold what its input says.
 */
export function readWarmUpSamples(
  config: ModelConfig,
  hidden: readonly NamedSpec[],
  folder: ModelFolder,
): Promise<WarmUpSample[]> {
  return Promise.all(config.model_warmup.map((sample) => readSample(config, sample, hidden, folder)));
}

async function readSample(
  config: ModelConfig,
  { name, batch_size, count, inputs }: ModelWarmup,
  hidden: readonly NamedSpec[],
  folder: ModelFolder,
): Promise<WarmUpSample> {
  const { name: model, max_batch_size } = config;
  const rows = max_batch_size > 0 ? Math.max(1, batch_size) : 0;
  const tensors = namedTensors();
  for (const { name: input, datatype, shape } of hidden) {
    tensors[input] = zeros({ datatype, shape, optional: false });
  }
  for (const [input, described] of Object.entries(inputs)) {
    const datatype = toDatatype(described.data_type, `model '${model}', warm-up sample '${name}', input '${input}'`);
    const shape = rows > 0 ? [1, ...described.dims] : described.dims;
    const data = await dataOf(described, folder);
    tensors[input] =
      data === undefined ? madeUp(described, datatype, shape) : decodeRaw(datatype, shape, data, { input, model });
  }
  return { name, count: Math.max(1, count), inputs: laid(tensors, config, rows) };
}

const dataOf = async ({ input_data_file: file }: ModelWarmupInput, folder: ModelFolder): Promise<Buffer | undefined> =>
  file === undefined ? undefined : folder.read(join('warmup', file));

const madeUp = ({ random_data }: ModelWarmupInput, datatype: Datatype, shape: Shape): Tensor => {
  const empty = zeros({ datatype, shape, optional: false });
  return random_data === true ? empty.map(() => randomElement(datatype)) : empty;
};

/** Small numbers: what reads them as indexes finds something there more often than not. */
function randomElement(datatype: Datatype): number | bigint | Buffer {
  if (datatype === 'FP16') return toFp16(Math.random());
  if (datatype === 'BF16') return toBf16(Math.random());
  switch (datatypeInfo(datatype).numbers) {
    case 'boolean':
      return randomInt(2);
    case 'integer':
      return randomInt(128);
    case 'big-integer':
      return BigInt(randomInt(128));
    case 'text':
      return Buffer.from(randomInt(1_000_000).toString());
    default:
      return Math.random();
  }
}

/** As many requests of the same row, as they reach the model. */
function laid(inputs: NamedTensors, config: ModelConfig, rows: number): NamedTensors {
  if (rows === 0) return inputs;
  const ragged = raggedOptions(config);
  const layout = ragged === undefined ? ROWS : new RaggedLayout(ragged);
  const request = { model: config.name, version: '', id: '', parameters: NO_PARAMETERS, inputs, outputs: [] };
  return layout.merge(Array.from({ length: rows }, () => ({ request, rows: 1 })));
}
