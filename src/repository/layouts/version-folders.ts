import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { compareVersions, isNumericVersion } from '../../engine/registry/version-policy.js';
import { parseLabels } from './triton/label-file.js';

/**
 * The folders of a model repository: `<root>/<model>/<version>/<artifact>`, and `<root>/<model>/labels.txt`. Links
 * that lead out of the repository are as good as absent.
 */

/** The file of a model that names its classes, one to a line. */
export const LABELS = 'labels.txt';

export interface VersionFolder {
  readonly version: string;
  readonly path: string;
  readonly files: readonly string[];
}

export interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** The models' folders; names that start with a dot are not models. Empty where there is no repository. */
export async function listModels(root: string): Promise<string[]> {
  if ((await realpath(root).catch(() => undefined)) === undefined) return [];
  const entries = await entriesOf(root, root);
  return entries.flatMap(({ name, isFolder }) => (isFolder && !name.startsWith('.') ? [name] : [])).sort();
}

/** The numbered folders of a model, oldest version first. */
export async function listVersions(root: string, model: string): Promise<VersionFolder[]> {
  const folder = join(root, model);
  const entries = await entriesOf(root, folder);
  const versions = entries.flatMap(({ name, isFolder }) => (isFolder && isNumericVersion(name) ? [name] : []));
  return Promise.all(
    versions.sort(compareVersions).map(async (version) => {
      const path = join(folder, version);
      return { version, path, files: (await entriesOf(root, path)).map(({ name }) => name) };
    }),
  );
}

/** The labels of a model's `labels.txt`, in the order of its classes; empty without one. */
export async function readLabels(root: string, model: string): Promise<string[]> {
  const folder = join(root, model);
  const there = (await entriesOf(root, folder)).some(({ name }) => name === LABELS);
  const text = there ? await readFile(join(folder, LABELS), 'utf8') : '';
  return parseLabels(text);
}

/** Changes when any of the files does. */
export async function fingerprint(paths: readonly string[]): Promise<string> {
  const stats = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
  return stats.map((file) => (file === undefined ? '-' : `${file.ino}:${file.size}:${file.mtimeMs}`)).join(' ');
}

/** What stands in a folder; it lies in the repository when all links are followed. */
export async function entriesOf(root: string, folder: string): Promise<Entry[]> {
  const [inside, names] = await Promise.all([realpath(root), readdir(folder)]);
  const entries = await Promise.all(
    names.map(async (name) => {
      const path = await realpath(join(folder, name)).catch(() => undefined);
      if (path === undefined || !path.startsWith(inside + sep)) return [];
      // It may go while the folder is read.
      const found = await stat(path).catch(() => undefined);
      return found === undefined ? [] : [{ name, isFolder: found.isDirectory() }];
    }),
  );
  return entries.flat();
}
