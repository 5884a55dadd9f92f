import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveModelUri } from './model-uri.js';

let folder: string;
let root: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'model-uri-'));
  root = join(folder, 'repository');
  await mkdir(join(root, 'deep', 'm'), { recursive: true });
  await mkdir(join(folder, 'repository-of-others'));
  await writeFile(join(root, 'deep', 'm', 'model.onnx'), '');
  await writeFile(join(root, 'shared.onnx'), '');
  await writeFile(join(folder, 'secret'), '');
});

afterEach(() => rm(folder, { recursive: true }));

describe('the artifact of a model', () => {
  it.each([
    ['a file beside the settings', './model.onnx', 'deep/m/model.onnx'],
    ['the folder of the settings', '', 'deep/m'],
    ['a file elsewhere in the repository', '../../shared.onnx', 'shared.onnx'],
  ])('is %s', async (_, uri, expected) => {
    expect(await resolveModelUri(root, 'deep/m', uri)).toBe(join(root, expected));
  });

  it('may be named by its whole path', async () => {
    expect(await resolveModelUri(root, 'deep/m', join(root, 'shared.onnx'))).toBe(join(root, 'shared.onnx'));
  });

  it('may lie behind a link within the repository', async () => {
    await symlink('../../shared.onnx', join(root, 'deep', 'm', 'link.onnx'));
    expect(await resolveModelUri(root, 'deep/m', 'link.onnx')).toBe(join(root, 'shared.onnx'));
  });

  it('is found behind a link to the whole repository', async () => {
    const mounted = join(folder, 'mounted');
    await symlink(root, mounted);
    expect(await resolveModelUri(mounted, 'deep/m', 'model.onnx')).toBe(join(mounted, 'deep/m/model.onnx'));
  });

  it.each(['../../../secret', '/etc/passwd', '../../../repository-of-others', 'absent.onnx', '../../..', 'a\0b'])(
    'is not %j',
    async (uri) => {
      await expect(resolveModelUri(root, 'deep/m', uri)).rejects.toThrow(
        `parameters.uri: '${uri}' is not in the repository, seen from 'deep/m'`,
      );
    },
  );

  it('is nothing that a link leads out to', async () => {
    await symlink(join(folder, 'secret'), join(root, 'deep', 'm', 'link.onnx'));
    await expect(resolveModelUri(root, 'deep/m', 'link.onnx')).rejects.toThrow('is not in the repository');
  });

  it.each(['s3://bucket/model.onnx', 'HTTPS://host/model.onnx', 'file:///etc/passwd'])(
    'is not elsewhere: %s',
    async (uri) => {
      await expect(resolveModelUri(root, 'deep/m', uri)).rejects.toThrow(
        `'${uri}' is elsewhere: put the artifact into`,
      );
    },
  );
});
