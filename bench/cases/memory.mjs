import { LOAD_CORE } from '../harness/cores.mjs';
import { ask } from '../harness/node-process.mjs';
import { ratioRow } from '../harness/report.mjs';
import { startServer } from '../harness/server-process.mjs';
import { ours } from '../harness/subjects.mjs';

export const name = 'memory';
export const what = 'mixed calls: gRPC, REST and streams; 5 % are cancelled, 5 % are bad';
export const target = 'resident memory after the first tenth and at the end within 10 %';

/** Far above what is seen, so that a hang is told from work. */
const SLOWEST_CALLS_A_SECOND = 200;

export async function run({ calls }) {
  const server = await startServer(ours({ serve: ['Simple', 'Repeat'] }));
  try {
    const timeoutMs = 30_000 + (calls / SLOWEST_CALLS_A_SECOND) * 1_000;
    const options = { ...server, calls };
    const { samples, counts } = await ask('load/mixed.mjs', options, { core: LOAD_CORE, timeoutMs });
    return {
      rows: [
        ratioRow({
          work: `memory, ${calls} mixed calls`,
          unit: 'RSS MB, end against first tenth',
          ours: samples.at(-1),
          baseline: samples[0],
          atMost: 1.1,
        }),
      ],
      tables: [
        {
          title: `${what}: RSS in MB after each tenth, the median around it`,
          columns: samples.map((_, index) => `${index + 1}/10`),
          rows: [samples.map((value) => value.toFixed(0))],
        },
        {
          title: 'How the calls ended',
          columns: ['call', 'count'],
          rows: Object.entries(counts).map(([key, n]) => [key, String(n)]),
        },
      ],
    };
  } finally {
    await server.stop();
  }
}
