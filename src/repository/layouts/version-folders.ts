import { createHash } from 'node:crypto';
import { opendir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compareVersions, isNumericVersion } from '../../engine/registry/version-policy.js';
import { followInside } from './containment.js';

/**
 * The folders of a model repository: `<root>/<model>/<version>/<artifact>`. Links that lead out of the repository are as
 * good as absent, but for those to where links may lead.
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

/**
 * How many files and folders one look at a repository takes, for a tree without end would take all memory, and the
 * folders outside that its links may lead to.
 */
export class LookLimit {
  private left: number;

  constructor(
    private readonly entries: number,
    readonly linkTargets: readonly string[] = [],
  ) {
    this.left = entries;
  }

  /** Throws when there are too many. */
  count(): void {
    if (this.left-- > 0) return;
    throw new Error(
      `a look at the repository takes more than ${this.entries} files and folders: ` +
        'move out what is no model, or raise REPOSITORY_MAX_ENTRIES',
    );
  }
}

/** The models' folders; names that start with a dot are not models. Empty where there is no repository. */
export async function listModels(root: string, limit: LookLimit): Promise<string[]> {
  if ((await realpath(root).catch(() => undefined)) === undefined) return [];
  const entries = await entriesOf(root, root, limit);
  return entries.flatMap(({ name, isFolder }) => (isFolder && !name.startsWith('.') ? [name] : [])).sort();
}

/** The numbered folders of a model, oldest version first. */
export async function listVersions(root: string, model: string, limit: LookLimit): Promise<VersionFolder[]> {
  const folder = join(root, model);
  const entries = await entriesOf(root, folder, limit);
  const versions = entries.flatMap(({ name, isFolder }) => (isFolder && isNumericVersion(name) ? [name] : []));
  const found: VersionFolder[] = [];
  for (const version of versions.sort(compareVersions)) {
    const path = join(folder, version);
    found.push({ version, path, files: (await entriesOf(root, path, limit)).map(({ name }) => name) });
  }
  return found;
}

/** How many files are asked about at a time. */
const AT_A_TIME = 64;

/** Changes when any of the files does. */
export async function fingerprint(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (let start = 0; start < paths.length; start += AT_A_TIME) {
    const some = paths.slice(start, start + AT_A_TIME);
    const stats = await Promise.all(some.map((path) => stat(path).catch(() => undefined)));
    for (const file of stats) hash.update(file === undefined ? '- ' : `${file.ino}:${file.size}:${file.mtimeMs} `);
  }
  return hash.digest('base64');
}

/** What stands in a folder; it lies in the repository when all links are followed. */
export async function entriesOf(root: string, folder: string, limit: LookLimit): Promise<Entry[]> {
  const entries: Entry[] = [];
  const inside = await realpath(root);
  // Only what is opened can go while it is read.
  const opened = await opendir(folder, { bufferSize: 256 });
  const isInside = (await followInside(inside, folder, limit.linkTargets)) !== undefined;
  for await (const entry of opened) {
    limit.count();
    if (!isInside) continue;
    const { name } = entry;
    if (!entry.isSymbolicLink()) entries.push({ name, isFolder: entry.isDirectory() });
    else {
      const isFolder = await isFolderInside(inside, join(folder, name), limit.linkTargets);
      if (isFolder !== undefined) entries.push({ name, isFolder });
    }
  }
  return entries;
}

/** `undefined` for a link that leads nowhere, out of the repository, or to all of it. */
async function isFolderInside(
  inside: string,
  link: string,
  linkTargets: readonly string[],
): Promise<boolean | undefined> {
  const place = await followInside(inside, link, linkTargets);
  if (place === undefined || place === inside) return undefined;
  // It may go while the folder is read.
  return (await stat(place).catch(() => undefined))?.isDirectory();
}
