import { SERVER_CORE } from '../harness/cores.mjs';
import { ask } from '../harness/node-process.mjs';
import { boundRow, ratioRow } from '../harness/report.mjs';

export const name = 'codec';
export const what = 'ModelInfer messages, decoded and encoded in one process';
export const target = 'fp32_contents of 1,000,000 elements in <= 5 ms, and in a tenth of what proto-loader takes';

export async function run({ rounds }) {
  const results = await ask(
    'micro/codec.mjs',
    { rounds: Math.max(5, rounds) },
    { core: SERVER_CORE, timeoutMs: 120_000 },
  );
  const find = (work, codec) => results.find((result) => result.work === work && result.codec === codec).microseconds;
  const typed = 'decode 1,000,000 fp32_contents';
  const own = find(typed, 'this server, unaligned') / 1_000;
  const small = ['decode 2 x INT32[1,16] raw', 'encode 2 x INT32[1,16] raw'].map((work) =>
    ratioRow({ work, unit: 'us', digits: 2, ours: find(work, 'this server'), baseline: find(work, 'proto-loader') }),
  );
  return {
    rows: [
      boundRow({ work: typed, unit: 'ms', digits: 2, ours: own, atMost: 5 }),
      ratioRow({
        work: `${typed}, against proto-loader`,
        unit: 'ms',
        digits: 2,
        ours: own,
        baseline: find(typed, 'proto-loader') / 1_000,
        atMost: 0.1,
      }),
      ...small,
    ],
    tables: [
      {
        title: what,
        columns: ['work', 'codec', 'us'],
        rows: results.map(({ work, codec, microseconds }) => [work, codec, microseconds.toFixed(2)]),
      },
    ],
  };
}
