import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { followInside, placeSeenFrom } from '../containment.js';

const SCHEME = /^[a-z][a-z0-9+.-]+:\/\//i;

/**
 * The path of a model's artifact, a file or a folder: its uri, relative to the folder of its settings. Throws where it
 * is not on this machine, not in the repository nor where its links may lead, or not there.
 */
export async function resolveModelUri(
  root: string,
  folder: string,
  uri: string,
  linkTargets: readonly string[] = [],
): Promise<string> {
  if (SCHEME.test(uri)) throw new Error(`parameters.uri: '${uri}' is elsewhere: put the artifact into the repository`);
  const inside = await realpath(root);
  const target = await followInside(inside, resolve(await realpath(join(root, folder)), uri), linkTargets);
  if (target === undefined) {
    throw new Error(`parameters.uri: '${uri}' is not in the repository, seen from '${folder}'`);
  }
  return placeSeenFrom(root, inside, target);
}
