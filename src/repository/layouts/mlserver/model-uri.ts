import { realpath } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';

const SCHEME = /^[a-z][a-z0-9+.-]+:\/\//i;

/**
 * The path of a model's artifact, a file or a folder: its uri, relative to the folder of its settings. Throws where it
 * is not on this machine, not in the repository, also behind links, or not there.
 */
export async function resolveModelUri(root: string, folder: string, uri: string): Promise<string> {
  if (SCHEME.test(uri)) throw new Error(`parameters.uri: '${uri}' is elsewhere: put the artifact into the repository`);
  const inside = await realpath(root);
  const path = resolve(await realpath(join(root, folder)), uri);
  const target = await realpath(path).catch(() => undefined);
  if (target === undefined || !`${target}${sep}`.startsWith(inside + sep)) {
    throw new Error(`parameters.uri: '${uri}' is not in the repository, seen from '${folder}'`);
  }
  return join(root, relative(inside, target));
}
