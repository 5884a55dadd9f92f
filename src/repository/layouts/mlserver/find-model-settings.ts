import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { type Entry, entriesOf, type LookLimit } from '../version-folders.js';
import { MODEL_SETTINGS } from './read-model-settings.js';

const MAX_DEPTH = 16;

/**
 * The folders of a repository that hold the settings of a model, at any depth, relative to the repository and sorted;
 * '' for the repository itself. What starts with a dot is left alone. Empty where there is no repository.
 */
export async function findModelSettings(root: string, limit: LookLimit): Promise<string[]> {
  if ((await realpath(root).catch(() => undefined)) === undefined) return [];
  const found: string[] = [];
  const seen = new Set<string>();
  const visit = async (folder: string, depth: number): Promise<void> => {
    const place = await realpath(join(root, folder)).catch(() => '');
    // A link within the repository may lead back.
    if (place === '' || seen.has(place) || depth > MAX_DEPTH) return;
    seen.add(place);
    const entries = await entriesOf(root, join(root, folder), limit).catch(unlessGone);
    if (entries.some(({ name, isFolder }) => name === MODEL_SETTINGS && !isFolder)) found.push(folder);
    for (const { name, isFolder } of entries) {
      if (isFolder && !name.startsWith('.')) await visit(join(folder, name), depth + 1);
    }
  };
  await visit('', 0);
  return found.sort();
}

/** A folder may go while the repository is read, or be none that this process may read. */
function unlessGone(failure: NodeJS.ErrnoException): Entry[] {
  if (failure.code === undefined) throw failure;
  return [];
}
