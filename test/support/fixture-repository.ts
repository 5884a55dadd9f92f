import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Datatype } from '#core';

const FIXTURES = join(import.meta.dirname, '../fixtures/models');

/** The ONNX models that give `INPUT0` back as `OUTPUT0`; the runtime's Node binding has no BF16. */
export const IDENTITIES: Readonly<Partial<Record<Datatype, string>>> = {
  BOOL: 'identity_bool',
  UINT8: 'identity_uint8',
  UINT16: 'identity_uint16',
  UINT32: 'identity_uint32',
  UINT64: 'identity_uint64',
  INT8: 'identity_int8',
  INT16: 'identity_int16',
  INT32: 'identity_int32',
  INT64: 'identity_int64',
  FP16: 'identity_fp16',
  FP32: 'identity_fp32',
  FP64: 'identity_fp64',
  BYTES: 'identity_string',
};

export const IDENTITY_NAMES: readonly string[] = Object.values(IDENTITIES);

/** A model repository of its own with some of the ONNX fixtures; gone when it is disposed of. */
export class FixtureRepository implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async of(names: readonly string[]): Promise<FixtureRepository> {
    const path = await mkdtemp(join(tmpdir(), 'model-repository-'));
    const repository = new FixtureRepository(path);
    for (const name of names) await repository.put(name, `${name}/1/model.onnx`);
    return repository;
  }

  /** Puts a fixture at a path of the repository, in the place of what is there. */
  async put(fixture: string, path: string): Promise<void> {
    const target = await this.placeFor(path);
    await cp(join(FIXTURES, `${fixture}.onnx`), target);
  }

  async write(path: string, contents: string | Uint8Array): Promise<void> {
    await writeFile(await this.placeFor(path), contents);
  }

  async mkdir(path: string): Promise<void> {
    await mkdir(join(this.path, path), { recursive: true });
  }

  async remove(path: string): Promise<void> {
    await rm(join(this.path, path), { recursive: true });
  }

  private async placeFor(path: string): Promise<string> {
    const target = join(this.path, path);
    await mkdir(dirname(target), { recursive: true });
    return target;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
