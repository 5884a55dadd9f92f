import { fileURLToPath } from 'node:url';
import { SERVER_CORE } from '../harness/cores.mjs';
import { ask } from '../harness/node-process.mjs';
import { boundRow, ratioRow } from '../harness/report.mjs';

export const name = 'batching';
export const what =
  'the schedulers in one process: 32 callers of the sample digits, an idle batcher, queues of 10 and 10,000';
export const target =
  'calls/s in batches >= 0.6 of the session in a loop over batches of 32; an idle batcher adds <= 100 us; a long queue costs <= 1.5 of a short one';

const path = fileURLToPath(new URL('../../model-repository/digits/1/model.onnx', import.meta.url));

export async function run({ rounds, seconds }) {
  const options = { path, rounds, seconds };
  const timeoutMs = 60_000 + (rounds + 1) * 3 * seconds * 1_000;
  const { rates, idle, queue } = await ask('micro/batching.mjs', options, { core: SERVER_CORE, timeoutMs });
  const rate = (value) => [value.toFixed(0), (value / rates.direct).toFixed(2)];
  return {
    rows: [
      ratioRow({
        work: 'digits, 32 callers in batches, against its session alone in batches of 32',
        unit: 'calls/s',
        digits: 0,
        ours: rates.batched,
        baseline: rates.direct,
        atLeast: 0.6,
      }),
      ratioRow({
        work: 'digits, 32 callers in batches, against one by one',
        unit: 'calls/s',
        digits: 0,
        ours: rates.batched,
        baseline: rates.alone,
      }),
      boundRow({
        work: 'what an idle batcher without delay adds to a call',
        unit: 'us',
        ours: idle.batcher - idle.direct,
        atMost: 100,
      }),
      ratioRow({
        work: 'entering and leaving a queue of 10,000, against one of 10',
        unit: 'us',
        digits: 2,
        ours: queue.deep,
        baseline: queue.shallow,
        atMost: 1.5,
      }),
    ],
    tables: [
      {
        title: 'Calls of 32 callers of digits, one row each, in one process and by no wire.',
        columns: ['way', 'calls/s', 'ratio'],
        rows: [
          ['the session alone, in batches of 32', ...rate(rates.direct)],
          ['the batcher', ...rate(rates.batched)],
          ['one by one', ...rate(rates.alone)],
        ],
      },
    ],
  };
}
