import { type Answer, type SentTensor } from './wires.js';
import type { FixtureRepository } from './fixture-repository.js';

/** What the specs of configured models put into a repository, and read from its answers. */

export interface Folder {
  readonly config?: string;
  /** The fixture in each version; '' for an empty folder. */
  readonly versions?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

export async function putModel(
  repository: FixtureRepository,
  model: string,
  { config, versions = {}, files = {} }: Folder,
): Promise<void> {
  for (const [version, fixture] of Object.entries(versions)) {
    if (fixture === '') await repository.mkdir(`${model}/${version}`);
    else await repository.put(fixture, `${model}/${version}/model.onnx`);
  }
  if (config !== undefined) await repository.write(`${model}/config.pbtxt`, config);
  for (const [path, contents] of Object.entries(files)) await repository.write(`${model}/${path}`, contents);
}

export const fp32Tensor = (name: string, shape: readonly number[], data: readonly number[]): SentTensor => ({
  name,
  datatype: 'FP32',
  shape,
  data,
});

/** The FP32 outputs of an answer by name, or the text of its error. */
export const outputsByName = ({ outputs, message }: Answer): Record<string, number[]> | string =>
  message || Object.fromEntries(outputs.map((output) => [output.name, valuesOf(output)]));

export const valuesOf = ({ data, raw }: { readonly data?: readonly unknown[]; readonly raw?: Buffer }): number[] =>
  data === undefined
    ? Array.from({ length: (raw?.byteLength ?? 0) / 4 }, (_, index) => raw?.readFloatLE(index * 4) ?? Number.NaN)
    : data.map(Number);
