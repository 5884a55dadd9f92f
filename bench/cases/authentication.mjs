import { SERVER_CORE } from '../harness/cores.mjs';
import { ask } from '../harness/node-process.mjs';
import { boundRow } from '../harness/report.mjs';

export const name = 'authentication';
export const what = 'knowing a caller, in one process: by an API key, by a token';
export const target = 'none: what each way costs';

export async function run({ rounds }) {
  const options = { rounds: Math.max(5, rounds) };
  const results = await ask('micro/authentication.mjs', options, { core: SERVER_CORE, timeoutMs: 60_000 });
  const entries = Object.entries(results);
  return {
    rows: entries.map(([work, ours]) => boundRow({ work, unit: 'us', digits: 2, ours })),
    tables: [{ title: what, columns: ['credential', 'us'], rows: entries.map(([key, us]) => [key, us.toFixed(2)]) }],
  };
}
