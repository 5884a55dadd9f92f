import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { canPin } from './cores.mjs';
import { GRPC_TOOL } from './grpc-load.mjs';
import { REST_TOOL } from './rest-load.mjs';

function git(...words) {
  try {
    return execFileSync('git', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}

/** The machine that figures belong to: they are only set beside each other when all of this is the same. */
export const machine = () => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memory: `${Math.round(totalmem() / 1_024 ** 3)} GiB`,
  node: process.version,
  load: `${GRPC_TOOL}, ${REST_TOOL}, ${canPin ? 'server on core 0, load on core 1' : 'nothing pinned'}`,
});

/** The commit, with a mark when the tree has other changes. */
export function commit() {
  const head = git('rev-parse', '--short', 'HEAD') || 'unknown';
  return git('status', '--porcelain', '--', 'src', 'bench', 'proto', 'package-lock.json') === ''
    ? head
    : `${head}, changed`;
}
