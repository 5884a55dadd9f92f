import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
    for (const name of names) {
      await mkdir(join(path, name, '1'), { recursive: true });
      await cp(join(FIXTURES, `${name}.onnx`), join(path, name, '1', 'model.onnx'));
    }
    return new FixtureRepository(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
