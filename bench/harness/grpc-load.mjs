import { readFileSync, rmSync } from 'node:fs';
import { output } from './children.mjs';
import { LOAD_CORE, onPath, pinned } from './cores.mjs';
import { GRPC_HEADERS } from './grpc-messages.mjs';
import { ask } from './node-process.mjs';
import { summarize } from './statistics.mjs';
import { temporaryFile } from './temporary-files.mjs';

export const GRPC_TOOL = onPath('h2load') ? 'h2load' : 'load/http2.mjs';

/**
 * Keeps `streams` calls in flight on each of `connections` for some seconds. The body is a file of one frame. Answers
 * with calls (answered, failed), calls a second, p50 and p99 in milliseconds, and the bytes of a reply.
 */
export function grpcLoad({ core = LOAD_CORE, ...load }) {
  return GRPC_TOOL === 'h2load' ? h2load(load, core) : bundled(load, core);
}

async function h2load({ address, path, body, headers = {}, connections, streams, seconds }, core) {
  const log = temporaryFile('h2load.log');
  const fields = Object.entries({ ...GRPC_HEADERS, ...headers }).flatMap(([name, value]) => [
    '-H',
    `${name}: ${value}`,
  ]);
  const sizes = ['-c', connections, '-m', streams, '-D', seconds, '-w', 24, '-W', 25].map(String);
  const command = ['h2load', ...sizes, '-d', body, ...fields, '--log-file', log, `http://${address}${path}`];
  const text = await output(pinned(core, command), { timeoutMs: (seconds + 30) * 1_000 });
  const [, done, succeeded] = /, (\d+) done, (\d+) succeeded/.exec(text)?.map(Number) ?? [];
  const data = Number(/\((\d+)\) data/.exec(text)?.[1]);
  if (done === undefined || Number.isNaN(data)) throw new Error(`h2load printed nothing that is known:\n${text}`);
  const latencies = latenciesOf(readFileSync(log, 'latin1'));
  rmSync(log);
  return {
    answered: succeeded,
    failed: done - succeeded,
    perSecond: succeeded / seconds,
    replyBytes: data / succeeded,
    p50: latencies.p50 / 1_000,
    p99: latencies.p99 / 1_000,
  };
}

/** Each line: when it started, its HTTP status, how long it took in microseconds; -1 for what was cut at the end. */
function latenciesOf(log) {
  const latencies = [];
  for (const line of log.split('\n')) {
    const [, status, microseconds] = line.split('\t');
    if (status === '200') latencies.push(Number(microseconds));
  }
  return summarize(latencies);
}

const bundled = ({ seconds, ...load }, core) =>
  ask('load/http2.mjs', { seconds, ...load }, { core, timeoutMs: (seconds + 30) * 1_000 });
