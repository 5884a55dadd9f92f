import { parseArgs } from 'node:util';
import { cases } from './cases/index.mjs';
import { commit } from './harness/machine.mjs';
import { summaryTable, toMarkdown } from './harness/report.mjs';
import { save } from './harness/results.mjs';

/**
 * Runs the cases that are named, or all, and prints one table at the end.
 *
 *   npm run bench -- [NAME...] [--rounds 3] [--seconds 3] [--calls 200000] [--peer grpc=HOST:PORT] [--peer-pid PID]
 */

function readArguments(words) {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      calls: { type: 'string', default: '200000' },
      peer: { type: 'string', multiple: true, default: [] },
      'peer-pid': { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  });
  const unknown = positionals.filter((word) => !cases.some(({ name }) => name === word));
  if (unknown.length > 0) throw new Error(`no case is called ${unknown.join(', ')}; there are ${names().join(', ')}`);
  return {
    help: values.help,
    chosen: positionals.length === 0 ? cases : cases.filter(({ name }) => positionals.includes(name)),
    options: {
      rounds: whole(values.rounds, 'rounds', 1, 100),
      seconds: whole(values.seconds, 'seconds', 1, 600),
      calls: whole(values.calls, 'calls', 1_000, 100_000_000),
      peers: values.peer.map(toPeer),
      peerPids: values['peer-pid'].map((pid) => whole(pid, 'peer-pid', 1, 2 ** 31)),
    },
  };
}

const names = () => cases.map(({ name }) => name);

function whole(text, option, least, most) {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`--${option} is an integer from ${least} to ${most}, got '${text}'`);
}

function toPeer(text) {
  const [, wire, address] = /^(grpc|rest)=([^=]+:\d+)$/.exec(text) ?? [];
  if (wire === undefined) throw new Error(`--peer is grpc=HOST:PORT or rest=HOST:PORT, got '${text}'`);
  return { wire, address };
}

function listCases() {
  for (const { name, what, target } of cases) console.log(`${name.padEnd(18)} ${what}\n${' '.repeat(18)} ${target}`);
}

async function runCases(chosen, options) {
  const about = {
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
  };
  const results = {};
  for (const { name, what, run } of chosen) {
    console.log(`\n${name}: ${what}`);
    try {
      const { rows, tables } = await run(options);
      for (const { title, ...table } of tables) console.log(`\n${title}\n${toMarkdown(table)}`);
      results[name] = { rows, tables, ...about };
    } catch (failure) {
      console.error(`${name} could not be measured:`, failure);
      process.exitCode = 1;
    }
  }
  return results;
}

try {
  const { help, chosen, options } = readArguments(process.argv.slice(2));
  if (help) listCases();
  else {
    const results = await runCases(chosen, options);
    console.log(`\n${toMarkdown(summaryTable(Object.values(results).flatMap(({ rows }) => rows)))}`);
    console.log(`\nwritten to ${await save(results)}`);
  }
} catch (failure) {
  console.error(failure instanceof Error ? failure.message : failure);
  process.exitCode = 1;
}
