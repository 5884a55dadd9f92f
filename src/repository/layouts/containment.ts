import { realpath } from 'node:fs/promises';
import { isAbsolute, join, normalize, relative, sep } from 'node:path';

/** What lies in a folder, and what only looks as if it did. */

/** Whether a file's name stays in the folder that it is relative to. */
export function staysInFolder(filename: string): boolean {
  const path = normalize(filename);
  return !leadsOut(path) && path !== '.' && !path.includes('\0');
}

/**
 * The place that a path leads to when all links are followed. `undefined` where that is not in the folder, whose path is
 * a real one, nor in one of the folders that links may lead to, or not there at all.
 */
export async function followInside(
  folder: string,
  path: string,
  linkTargets: readonly string[] = [],
): Promise<string | undefined> {
  const place = await realpath(path).catch(() => undefined);
  if (place === undefined || !leadsOut(relative(folder, place))) return place;
  for (const target of linkTargets) {
    const real = await realpath(target).catch(() => undefined);
    if (real !== undefined && !leadsOut(relative(real, place))) return place;
  }
  return undefined;
}

/** The path of such a place as it is told: below the repository's own path, where it is in there. */
export function placeSeenFrom(root: string, realRoot: string, place: string): string {
  const path = relative(realRoot, place);
  return leadsOut(path) ? place : join(root, path);
}

const leadsOut = (path: string): boolean => isAbsolute(path) || path === '..' || path.startsWith(`..${sep}`);
