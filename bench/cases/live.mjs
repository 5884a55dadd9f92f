import { availableParallelism } from 'node:os';
import { ANY_CORE } from '../harness/cores.mjs';
import { frameOf, INFER, inferMessage } from '../harness/grpc-messages.mjs';
import { ask } from '../harness/node-process.mjs';
import { boundRow } from '../harness/report.mjs';
import { startServer } from '../harness/server-process.mjs';
import { median } from '../harness/statistics.mjs';
import { ours } from '../harness/subjects.mjs';
import { bodyFile } from '../harness/temporary-files.mjs';

export const name = 'live';
export const what = 'live over both wires, asked every 10 ms, while the server has much to do; nothing pinned';
export const target = 'p99 < 20 ms';

const PATH = '/v2/models/last/infer';
const JSON_BYTES = 32 * 1_024 * 1_024;
/** As many as the model burner has. */
const threads = Math.max(1, availableParallelism() - 1);
let largeBody;

const situations = {
  'nothing else': () => undefined,
  [`${threads} thread${threads > 1 ? 's' : ''} in runs of 200 ms`]: ({ grpc }, seconds) => {
    const message = inferMessage({
      model_name: 'burner',
      inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1, 1] }],
      raw_input_contents: [Buffer.alloc(4)],
    });
    const body = bodyFile(frameOf(message));
    const load = { address: grpc, path: INFER, body, connections: 1, streams: 2 * threads, seconds };
    return ask('load/http2.mjs', load, { timeoutMs: (seconds + 30) * 1_000 });
  },
  'JSON bodies of 32 MiB, one after another': ({ http }, seconds) => {
    const headers = { 'content-type': 'application/json' };
    const load = { url: http + PATH, body: (largeBody ??= bodyFile(largeJson())), headers, connections: 1, seconds };
    return ask('load/http1.mjs', load, { timeoutMs: (seconds + 30) * 1_000 });
  },
};

function largeJson() {
  const values = Array.from({ length: JSON_BYTES / 8 }, (_, index) => ((index % 900_000) + 100_000) / 1e6);
  const data = values.map((value) => value.toFixed(5)).join(',');
  const count = values.length;
  return Buffer.from(`{"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,${count}],"data":[${data}]}]}`);
}

async function measure(situation, seconds) {
  const environment = { MAX_MESSAGE_BYTES: String(4 * JSON_BYTES) };
  const server = await startServer({ ...ours({ serve: ['Last', 'Burner'], environment }), core: ANY_CORE });
  try {
    const work = situation(server, seconds + 1);
    const probes = ask('load/probe.mjs', { ...server, seconds }, { timeoutMs: (seconds + 30) * 1_000 });
    const [done, { rest, grpc }] = await Promise.all([work, probes]);
    if (done !== undefined && (done.failed > 0 || done.answered < 2)) {
      throw new Error(`the server was to work, but ${done.failed} calls failed, ${done.answered} were answered`);
    }
    return { rest, grpc, done: done?.answered ?? 0 };
  } finally {
    await server.stop();
  }
}

export async function run({ rounds, seconds }) {
  const duration = Math.max(3, seconds);
  const rows = [];
  const table = [];
  for (const [situation, work] of Object.entries(situations)) {
    const runs = [];
    for (let round = 0; round < rounds; round++) runs.push(await measure(work, duration));
    const done = median(runs.map((run) => run.done));
    for (const wire of ['rest', 'grpc']) {
      const figure = (key) => median(runs.map((run) => run[wire][key]));
      table.push([situation, wire, ...['p50', 'p99', 'max'].map((key) => figure(key).toFixed(2)), String(done)]);
      if (work === situations['nothing else']) continue;
      rows.push(boundRow({ work: `live (${wire}), ${situation}`, unit: 'p99 ms', ours: figure('p99'), atMost: 20 }));
    }
  }
  return {
    rows,
    tables: [{ title: what, columns: ['beside it', 'wire', 'p50 ms', 'p99 ms', 'max ms', 'runs'], rows: table }],
  };
}
