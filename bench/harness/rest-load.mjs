import { fileURLToPath } from 'node:url';
import { output } from './children.mjs';
import { LOAD_CORE, onPath, pinned } from './cores.mjs';
import { ask } from './node-process.mjs';

export const REST_TOOL = onPath('wrk') ? 'wrk' : 'load/http1.mjs';

const script = fileURLToPath(new URL('../load/post.lua', import.meta.url));

/**
 * Keeps one POST in flight on each of `connections` for some seconds; the body is a file. Answers as grpcLoad does, but
 * that the bytes of a reply are those with its headers.
 */
export function restLoad({ core = LOAD_CORE, ...load }) {
  return REST_TOOL === 'wrk' ? wrk(load, core) : bundled(load, core);
}

async function wrk({ url, body, headers, connections, seconds }, core) {
  const env = { ...process.env, BENCH_BODY: body, BENCH_HEADERS: lines(headers) };
  const sizes = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '--latency'];
  const text = await output(pinned(core, ['wrk', ...sizes, '-s', script, url]), {
    timeoutMs: (seconds + 60) * 1_000,
    env,
  });
  const found = /^bench: (.*)$/m.exec(text);
  if (found === null) throw new Error(`wrk printed nothing that is known:\n${text}`);
  const { requests, seconds: took, bytes, failed, p50, p99 } = JSON.parse(found[1]);
  return {
    answered: requests - failed,
    failed,
    perSecond: (requests - failed) / took,
    replyBytes: bytes / requests,
    p50: p50 / 1_000,
    p99: p99 / 1_000,
  };
}

const lines = (headers) =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');

const bundled = ({ seconds, ...load }, core) =>
  ask('load/http1.mjs', { seconds, ...load }, { core, timeoutMs: (seconds + 60) * 1_000 });
