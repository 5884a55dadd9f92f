import { appendFile, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ModelFolder } from '../artifacts/model-folder.js';
import { staysInFolder } from './containment.js';
import { findModelSettings } from './mlserver/find-model-settings.js';
import { parseLabels } from './triton/label-file.js';
import { entriesOf, fingerprint, listModels, listVersions, LookLimit } from './version-folders.js';

let folder: string;
/** The repository; what lies beside it in `folder` lies outside. */
let root: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'version-folders-'));
  root = join(folder, 'repository');
  await mkdir(root);
});

afterEach(() => rm(folder, { recursive: true }));

/** Writes files by their paths in `folder`. */
async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** Makes a link at a path in the repository; the target is relative to `folder`. */
const link = (target: string, path: string): Promise<void> => symlink(join(folder, target), join(root, path));

describe('the models', () => {
  it('are the folders of the repository, sorted', async () => {
    await write({
      'repository/zebra/1/model.onnx': '',
      'repository/apple/1/model.onnx': '',
      'repository/Apple pie \u4e2d/1/model.onnx': '',
      'repository/README.md': '',
    });
    expect(await listModels(root, new LookLimit(100))).toEqual(['Apple pie \u4e2d', 'apple', 'zebra']);
  });

  it('do not start with a dot', async () => {
    await write({ 'repository/.git/1/model.onnx': '', 'repository/..data/1/model.onnx': '', 'repository/a.b/1/x': '' });
    expect(await listModels(root, new LookLimit(100))).toEqual(['a.b']);
  });

  it('may be links within the repository, but none that leads out of it', async () => {
    await write({ 'repository/a/1/model.onnx': '', 'outside/1/model.onnx': '', 'repository-of-others/1/x': '' });
    await link('repository/a', 'alias');
    await link('outside', 'outside');
    await link('repository-of-others', 'sibling');
    await link('repository', 'itself');
    await link('absent', 'dangling');
    await symlink('loop', join(root, 'loop'));
    expect(await listModels(root, new LookLimit(100))).toEqual(['a', 'alias']);
  });

  it('are found behind a link to the whole repository', async () => {
    await write({ 'repository/a/1/model.onnx': '' });
    await symlink(root, join(folder, 'mounted'));
    expect(await listModels(join(folder, 'mounted'), new LookLimit(100))).toEqual(['a']);
    expect(await listVersions(join(folder, 'mounted'), 'a', new LookLimit(100))).toHaveLength(1);
  });

  it('are none where there is no repository', async () => {
    expect(await listModels(join(folder, 'absent'), new LookLimit(100))).toEqual([]);
    expect(await listModels(root, new LookLimit(100))).toEqual([]);
  });
});

describe('the versions', () => {
  const versions = async () => (await listVersions(root, 'm', new LookLimit(100))).map(({ version }) => version);

  it('are none behind a link that leads out, though the model was asked for by its name', async () => {
    await write({ 'outside/1/model.onnx': '' });
    await link('outside', 'm');
    expect(await versions()).toEqual([]);
  });

  it('are the numbered folders, oldest first', async () => {
    await write(Object.fromEntries(['10', '9', '1', '2'].map((version) => [`repository/m/${version}/model.onnx`, ''])));
    expect(await versions()).toEqual(['1', '2', '9', '10']);
  });

  it('are in order beyond what a double can tell apart', async () => {
    await write({ 'repository/m/9007199254740993/x': '', 'repository/m/9007199254740992/x': '' });
    expect(await versions()).toEqual(['9007199254740992', '9007199254740993']);
  });

  it('are nothing else', async () => {
    await write({
      'repository/m/1/model.onnx': '',
      'repository/m/01/model.onnx': '',
      'repository/m/0/model.onnx': '',
      'repository/m/-1/model.onnx': '',
      'repository/m/v2/model.onnx': '',
      'repository/m/.2/model.onnx': '',
      'repository/m/labels.txt': '',
      'repository/m/3': 'a file, not a folder',
    });
    expect(await versions()).toEqual(['1']);
  });

  it('know their path and what is in it', async () => {
    await write({ 'repository/m/1/model.onnx': '', 'repository/m/1/weights.bin': '', 'repository/m/1/assets/a': '' });
    await mkdir(join(root, 'm/2'));
    const [one, two] = await listVersions(root, 'm', new LookLimit(100));
    expect(one).toEqual({ version: '1', path: join(root, 'm/1'), files: expect.any(Array) });
    expect(one?.files.toSorted()).toEqual(['assets', 'model.onnx', 'weights.bin']);
    expect(two?.files).toEqual([]);
  });

  it('may be links, as their files may, but none that leads out of the repository', async () => {
    await write({ 'repository/blobs/weights': '', 'repository/m/1/readme': '', 'outside/model.onnx': '' });
    await link('repository/m/1', 'm/2');
    await link('outside', 'm/3');
    await link('repository/blobs/weights', 'm/1/model.onnx');
    await link('outside/model.onnx', 'm/1/stolen.onnx');
    expect(await versions()).toEqual(['1', '2']);
    expect((await listVersions(root, 'm', new LookLimit(100)))[0]?.files.toSorted()).toEqual(['model.onnx', 'readme']);
  });

  it('of a model that is gone cannot be listed', async () => {
    await expect(listVersions(root, 'm', new LookLimit(100))).rejects.toThrow('ENOENT');
  });
});

describe('a look at a repository', () => {
  const TOO_MANY = 'takes more than 3 files and folders: move out what is no model, or raise REPOSITORY_MAX_ENTRIES';

  it('is given up where there are too many files', async () => {
    await write({ 'repository/m/1/a': '', 'repository/m/1/b': '' });
    const limit = () => new LookLimit(3);
    expect(await listModels(root, limit())).toEqual(['m']);
    expect(await listVersions(root, 'm', limit())).toHaveLength(1);
    await expect(findModelSettings(root, limit())).rejects.toThrow(TOO_MANY);
    await write({ 'repository/m/1/c': '' });
    await expect(listVersions(root, 'm', limit())).rejects.toThrow(TOO_MANY);
  });

  it('goes down so far and no further', async () => {
    const deep = (depth: number) => Array.from({ length: depth }, () => 'd').join('/');
    await write({
      [`repository/${deep(16)}/model-settings.json`]: '{}',
      [`repository/${deep(17)}/model-settings.json`]: '{}',
    });
    expect(await findModelSettings(root, new LookLimit(100))).toEqual([deep(16)]);
  });

  it('lets the event loop turn, and reads no more than it may', async () => {
    const names = Array.from({ length: 2_000 }, (_, index) => `repository/m/1/${index}`);
    await write(Object.fromEntries(names.map((name) => [name, ''])));
    let turns = 0;
    const count = setInterval(() => turns++, 0);
    expect(await entriesOf(root, join(root, 'm/1'), new LookLimit(2_000))).toHaveLength(2_000);
    clearInterval(count);
    expect(turns).toBeGreaterThan(0);
    await expect(entriesOf(root, join(root, 'm/1'), new LookLimit(1_999))).rejects.toThrow('more than 1999 files');
  });
});

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

describe('a file name', () => {
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

describe('a file of a model', () => {
  const model = () => new ModelFolder(root, 'm');

  beforeEach(() => write({ 'repository/m/own.txt': 'own', 'repository/shared.txt': 'shared', 'secret.txt': 'secret' }));

  it('is read from its folder, also behind a link within the repository', async () => {
    await link('repository/shared.txt', 'm/link.txt');
    expect(String(await model().read('own.txt'))).toBe('own');
    expect(String(await model().readIfThere('link.txt'))).toBe('shared');
  });

  it('is none that lies elsewhere, and does not tell where the repository lies', async () => {
    await link('secret.txt', 'm/link.txt');
    const failures: string[] = [];
    for (const name of ['../shared.txt', join(root, 'm/own.txt'), 'link.txt', 'absent.txt']) {
      expect(await model().readIfThere(name)).toBeUndefined();
      failures.push(
        String(
          await model()
            .read(name)
            .catch((thrown: unknown) => thrown),
        ),
      );
    }
    expect(failures).toEqual([
      "Error: file '../shared.txt' is not in the folder 'm'",
      `Error: file '${root}/m/own.txt' is not in the folder 'm'`,
      "Error: file 'link.txt' is missing in the folder 'm'",
      "Error: file 'absent.txt' is missing in the folder 'm'",
    ]);
  });
});

describe('the fingerprint', () => {
  const of = (...paths: string[]) => fingerprint(paths.map((path) => join(root, path)));

  it('stays while nothing changes', async () => {
    await write({ 'repository/a': 'text', 'repository/b': 'text' });
    expect(await of('a', 'b', 'absent')).toBe(await of('a', 'b', 'absent'));
  });

  it.each<[string, () => Promise<void>]>([
    ['grows', () => appendFile(join(root, 'a'), '!')],
    ['has another time', () => utimes(join(root, 'a'), 1, 1)],
    [
      'is another file of the same size and time',
      async () => {
        await write({ 'repository/next': 'TEXT' });
        await utimes(join(root, 'next'), 1, 1);
        await rename(join(root, 'next'), join(root, 'a'));
      },
    ],
    ['goes', () => rm(join(root, 'a'))],
    ['comes', () => write({ 'repository/absent': '' })],
  ])('changes when a file %s', async (_, change) => {
    await write({ 'repository/a': 'text' });
    const before = await of('a', 'absent');
    await change();
    expect(await of('a', 'absent')).not.toBe(before);
  });
});
