import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { loadSync } from '@grpc/proto-loader';

/**
 * ModelInfer end to end, ours against bare grpc-js and against node:http2 alone: rounds in turn in one run, medians,
 * and every figure as a ratio to bare grpc-js. The load comes from a process of its own.
 *
 *   npm run bench -- [seconds per round, 3] [rounds, 3]
 */

const [seconds = 3, rounds = 3] = process.argv.slice(2).map(Number);
const STREAMS = [1, 8, 64];
const KEY = 'a-key-for-the-benchmark-0001';
const SERVERS = [
  { name: 'bare grpc-js + proto-loader', file: 'bare-grpc.mjs' },
  { name: 'node:http2 alone, opaque', file: 'raw-http2.mjs' },
  { name: 'this server', file: 'ours.mjs' },
  {
    name: 'this server, API key',
    file: 'ours.mjs',
    environment: { API_KEYS: `bench:${KEY}` },
    headers: { 'x-api-key': KEY },
  },
];

const { requestSerialize, path } = loadSync('inference.proto', { includeDirs: ['proto'], keepCase: true })[
  'inference.GRPCInferenceService'
].ModelInfer;

function frameOf(message) {
  const encoded = requestSerialize(message);
  const frame = Buffer.alloc(5 + encoded.length);
  frame.writeUInt32BE(encoded.length, 1);
  encoded.copy(frame, 5);
  return frame.toString('base64');
}

const raw = Buffer.from(Int32Array.from({ length: 16 }, (_, index) => index).buffer);
const frame = frameOf({
  model_name: 'simple',
  inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [1, 16] })),
  raw_input_contents: [raw, raw],
});

/** The processor time that a process has used, in microseconds; Linux alone tells. */
function cpuOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return Number.NaN;
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function measure({ file, environment = {}, headers = {} }, streams) {
  const server = fork(`bench/servers/${file}`, [JSON.stringify(environment)]);
  const [{ grpc: address }] = await once(server, 'message');
  const load = fork('bench/load.mjs', [JSON.stringify({ address, path, frame, streams, seconds, headers })]);
  await once(load, 'message');
  const before = cpuOf(server.pid);
  const [result] = await once(load, 'message');
  const cpu = cpuOf(server.pid) - before;
  server.kill('SIGKILL');
  if (result.failed > 0 || result.answered === 0) throw new Error(`${file}: ${result.failed} calls failed`);
  return { ...result, cpu: cpu / result.answered };
}

console.log(`ModelInfer, 2 x INT32[1,16] raw; ${rounds} rounds of ${seconds} s; Node ${process.version}`);
console.log('streams | server | requests/s | ratio | CPU us/request | p50 ms | p99 ms');
for (const streams of STREAMS) {
  const results = SERVERS.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, server] of SERVERS.entries()) results[index].push(await measure(server, streams));
  }
  const rates = results.map((runs) => median(runs.map(({ perSecond }) => perSecond)));
  for (const [index, { name }] of SERVERS.entries()) {
    const of = (key) => median(results[index].map((run) => run[key]));
    const figures = [rates[index].toFixed(0), (rates[index] / rates[0]).toFixed(2), of('cpu').toFixed(1)];
    console.log([streams, name, ...figures, of('p50').toFixed(2), of('p99').toFixed(2)].join(' | '));
  }
}
