import { fileURLToPath } from 'node:url';
import { kill, start } from '../harness/children.mjs';
import { cpuTime, residentMb } from '../harness/process-usage.mjs';
import { boundRow } from '../harness/report.mjs';
import { nodeArguments } from '../harness/subjects.mjs';
import { medians } from '../harness/statistics.mjs';

export const name = 'cold-start';
export const what = 'the built server with the samples, from its start to ready';
export const target = 'ready in < 1.2 s, median of 5; < 200 MB with two worker threads';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const STARTS = 5;
const POLL_MS = 5;
const LIMIT_MS = 30_000;

const environments = {
  'as it comes': {},
  'two worker threads': { ONNX_EXECUTION: 'threads', LOAD_MODELS: 'digits,iris' },
};

async function startOnce(environment) {
  const { PATH } = process.env;
  const env = { PATH, HTTP_PORT: '0', GRPC_PORT: '0', AUDIT_LOG: 'off', ...environment };
  const began = performance.now();
  const child = start([process.execPath, ...nodeArguments, 'dist/main.js'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await listening(child);
    const listened = performance.now() - began;
    await ready(url, began + LIMIT_MS);
    const took = performance.now() - began;
    const pids = [child.pid];
    return { listened, ready: took, cpu: cpuTime(pids) / 1_000, rss: residentMb(pids) };
  } finally {
    await kill(child);
  }
}

/** The server tells where it listens. */
function listening(child) {
  return new Promise((resolve, reject) => {
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      printed += text;
      const found = /REST on (http:\S+),/.exec(printed);
      if (found !== null) resolve(found[1]);
    });
    child.once('close', () => reject(new Error(`the server ended:\n${printed}`)));
    setTimeout(() => reject(new Error(`the server does not listen:\n${printed}`)), LIMIT_MS).unref();
  });
}

async function ready(url, until) {
  while (performance.now() < until) {
    const { status } = await fetch(`${url}/v2/health/ready`);
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`the server is not ready after ${LIMIT_MS} ms`);
}

export async function run() {
  const names = Object.keys(environments);
  const runs = names.map(() => []);
  for (let round = 0; round < STARTS; round++) {
    for (const [index, key] of names.entries()) runs[index].push(await startOnce(environments[key]));
  }
  const results = runs.map(medians);
  const [plain, threads] = results;
  return {
    rows: [
      boundRow({ work: 'start to ready', unit: 's', digits: 2, ours: plain.ready / 1_000, atMost: 1.2 }),
      boundRow({ work: 'two worker threads', unit: 'RSS MB', ours: threads.rss, atMost: 200 }),
    ],
    tables: [
      {
        title: `${what}; medians of ${STARTS}`,
        columns: ['server', 'listening ms', 'ready ms', 'CPU ms', 'RSS MB'],
        rows: results.map(({ listened, ready: took, cpu, rss }, index) => [
          names[index],
          ...[listened, took, cpu, rss].map((value) => value.toFixed(0)),
        ]),
      },
    ],
  };
}
