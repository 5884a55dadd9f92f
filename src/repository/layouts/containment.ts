import { realpath } from 'node:fs/promises';
import { isAbsolute, normalize, relative, sep } from 'node:path';

/** What lies in a folder, and what only looks as if it did. */

/** Whether a file's name stays in the folder that it is relative to. */
export function staysInFolder(filename: string): boolean {
  const path = normalize(filename);
  return !leadsOut(path) && path !== '.' && !path.includes('\0');
}

/**
 * The place that a path leads to when all links are followed. `undefined` where that is not in the folder, whose path is
 * a real one, or not there at all.
 */
export async function followInside(folder: string, path: string): Promise<string | undefined> {
  const place = await realpath(path).catch(() => undefined);
  return place === undefined || leadsOut(relative(folder, place)) ? undefined : place;
}

const leadsOut = (path: string): boolean => isAbsolute(path) || path === '..' || path.startsWith(`..${sep}`);
