import { realpath } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { followInside } from '../containment.js';

const SCHEME = /^[a-z][a-z0-9+.-]+:\/\//i;

/**
 * The path of a model's artifact, a file or a folder: its uri, relative to the folder of its settings. Throws where it
 * is not on this machine, not in the repository, also behind links, or not there.
 */
export async function resolveModelUri(root: string, folder: string, uri: string): Promise<string> {
  if (SCHEME.test(uri)) throw new Error(`parameters.uri: '${uri}' is elsewhere: put the artifact into the repository`);
  const inside = await realpath(root);
  const target = await followInside(inside, resolve(await realpath(join(root, folder)), uri));
  if (target === undefined) {
    throw new Error(`parameters.uri: '${uri}' is not in the repository, seen from '${folder}'`);
  }
  return join(root, relative(inside, target));
}
