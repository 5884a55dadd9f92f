import { join } from 'node:path';
import type { ModelConfig, SequenceState } from '../../core/model/model-config.js';
import { decodeRaw } from '../../core/tensor/raw.js';
import type { Tensor } from '../../core/tensor/tensor.js';
import { zeros } from '../../core/tensor/zeros.js';
import { toDatatype } from '../layouts/triton/protocol-signature.js';
import type { InitialStates } from '../layouts/triton/scheduling-options.js';
import type { ModelFolder } from './model-folder.js';

/** The states that sequences start with, by the name of the state's input: zeros, or the raw contents of a file. */
export async function readInitialStates(
  { name, sequence_batching: sequence }: ModelConfig,
  folder: ModelFolder,
): Promise<InitialStates> {
  const states = await Promise.all(
    (sequence?.state ?? []).map(async (state) => [state.input_name, await readState(name, state, folder)] as const),
  );
  return new Map(states.flatMap(([input, tensor]) => (tensor === undefined ? [] : [[input, tensor] as const])));
}

async function readState(
  model: string,
  { input_name, data_type, dims, initial_state: [initial] }: SequenceState,
  folder: ModelFolder,
): Promise<Tensor | undefined> {
  if (initial === undefined) return undefined;
  const type = initial.data_type === 'TYPE_INVALID' ? data_type : initial.data_type;
  const datatype = toDatatype(type, `model '${model}', initial state of '${input_name}'`);
  const shape = initial.dims.length > 0 ? initial.dims : dims;
  if (initial.data_file === undefined) return zeros({ datatype, shape, optional: false });
  const bytes = await folder.read(join('initial_state', initial.data_file));
  return decodeRaw(datatype, shape, bytes, { input: input_name, model });
}
