import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { isNumericVersion } from '../../engine/registry/version-policy.js';

/** The folders of a model repository: `<root>/<model>/<version>/<artifact>`, and `<root>/<model>/labels.txt`. */

export interface VersionFolder {
  readonly version: string;
  readonly path: string;
  readonly files: readonly string[];
}

/** The models' folders; names that start with a dot, and links that lead out of the repository, are not models. */
export async function listModels(root: string): Promise<string[]> {
  const inside = await realpath(root).catch(() => undefined);
  if (inside === undefined) return [];
  const entries = (await readdir(inside)).filter((name) => !name.startsWith('.'));
  const models = await Promise.all(entries.map(async (name) => ((await isFolderInside(inside, name)) ? [name] : [])));
  return models.flat().sort();
}

/** The numbered folders of a model, oldest version first. */
export async function listVersions(root: string, model: string): Promise<VersionFolder[]> {
  const folder = join(root, model);
  const versions = (await readdir(folder)).filter(isNumericVersion).sort((a, b) => Number(a) - Number(b));
  return Promise.all(
    versions.map(async (version) => {
      const path = join(folder, version);
      return { version, path, files: await readdir(path).catch(() => []) };
    }),
  );
}

/** The lines of a model's `labels.txt`; empty without one. */
export async function readLabels(root: string, model: string): Promise<string[]> {
  const text = await readFile(join(root, model, 'labels.txt'), 'utf8').catch((failure: NodeJS.ErrnoException) => {
    if (failure.code === 'ENOENT') return '';
    throw failure;
  });
  return text.split(/\r?\n/).filter((line) => line !== '');
}

/** Changes when any of the files does. */
export async function fingerprint(paths: readonly string[]): Promise<string> {
  const stats = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)));
  return stats.map((file) => (file === undefined ? '-' : `${file.ino}:${file.size}:${file.mtimeMs}`)).join(' ');
}

async function isFolderInside(root: string, name: string): Promise<boolean> {
  const path = await realpath(join(root, name)).catch(() => undefined);
  return path !== undefined && path.startsWith(root + sep) && (await stat(path)).isDirectory();
}
