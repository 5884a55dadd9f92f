import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseLabels, readLabelFile, staysInFolder } from './label-file.js';

describe('labels', () => {
  it.each([
    ['lines', 'cat\ndog\n', ['cat', 'dog']],
    ['lines of Windows', '\uFEFFcat\r\ndog\r\n', ['cat', 'dog']],
    ['blank lines between others, which are classes too', '\ncat\n\ndog\n\n\n', ['', 'cat', '', 'dog']],
    ['blanks', ' cat, big \n', [' cat, big ']],
    ['nothing', '', []],
    ['nothing but lines', '\n\n', []],
  ])('are read: %s', (_, text, labels) => {
    expect(parseLabels(text)).toEqual(labels);
  });
});

describe('a file', () => {
  it.each(['labels.txt', './labels.txt', 'a/labels.txt', 'a/../labels.txt', '..labels', '...'])(
    'is inside: %s',
    (name) => {
      expect(staysInFolder(name)).toBe(true);
    },
  );

  it.each(['../labels.txt', 'a/../../labels.txt', '/etc/passwd', '..', '.', '', 'a/..', 'labels\0.txt'])(
    'is outside: %j',
    (name) => {
      expect(staysInFolder(name)).toBe(false);
    },
  );
});

describe('a label file', () => {
  let folder: string;
  let root: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'label-file-'));
    root = join(folder, 'repository');
    await mkdir(join(root, 'm'), { recursive: true });
    await writeFile(join(root, 'm', 'labels.txt'), 'cat\ndog\n');
    await writeFile(join(root, 'shared.txt'), 'shared\n');
    await writeFile(join(folder, 'secret.txt'), 'secret\n');
  });

  afterEach(() => rm(folder, { recursive: true }));

  it('is read from the folder of the model', async () => {
    expect(await readLabelFile(root, 'm', 'labels.txt')).toEqual(['cat', 'dog']);
  });

  it('may be a link within the repository', async () => {
    await symlink('../shared.txt', join(root, 'm', 'link.txt'));
    expect(await readLabelFile(root, 'm', 'link.txt')).toEqual(['shared']);
  });

  it('is none that lies elsewhere', async () => {
    await symlink(join(folder, 'secret.txt'), join(root, 'm', 'link.txt'));
    const outside = "label file '../shared.txt' is not in the folder of model 'm'";
    await expect(readLabelFile(root, 'm', '../shared.txt')).rejects.toThrow(outside);
    await expect(readLabelFile(root, 'm', join(root, 'm', 'labels.txt'))).rejects.toThrow('is not in the folder');
    await expect(readLabelFile(root, 'm', 'link.txt')).rejects.toThrow(
      "label file 'link.txt' is missing in the folder",
    );
    await expect(readLabelFile(root, 'm', 'absent.txt')).rejects.toThrow("label file 'absent.txt' is missing");
  });

  it('does not tell where the repository lies', async () => {
    const failure: unknown = await readLabelFile(root, 'm', 'absent.txt').catch((thrown: unknown) => thrown);
    expect(String(failure)).not.toContain(folder);
  });
});
