import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { cases } from '../cases/index.mjs';
import { machine } from './machine.mjs';
import { summaryTable, toMarkdown } from './report.mjs';

const JSON_FILE = fileURLToPath(new URL('../results.json', import.meta.url));
const TEXT_FILE = fileURLToPath(new URL('../results.md', import.meta.url));

/**
 * Keeps the results of cases in results.json and writes results.md from it. A case that is run again replaces its own
 * results; those of another machine are all replaced.
 */
export async function save(results) {
  const here = machine();
  const kept = readKept(here);
  const all = { machine: here, results: { ...kept, ...results } };
  await write(JSON_FILE, JSON.stringify(all));
  await write(TEXT_FILE, toText(all));
  return TEXT_FILE;
}

function readKept(here) {
  if (!existsSync(JSON_FILE)) return {};
  const { machine: there, results } = JSON.parse(readFileSync(JSON_FILE, 'utf8'));
  return JSON.stringify(there) === JSON.stringify(here) ? results : {};
}

async function write(path, text) {
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }));
}

function toText({ machine: { cpu, cores, memory, node, load }, results }) {
  const measured = cases.filter(({ name }) => results[name] !== undefined);
  const rows = measured.flatMap(({ name }) => results[name].rows);
  return [
    '# Results',
    'Written by `npm run bench`; [README.md](README.md) says how to read it. What carries over to another machine is the ratio.',
    toMarkdown({
      columns: ['cpu', 'cores', 'memory', 'node', 'load'],
      rows: [[cpu, String(cores), memory, node, load]],
    }),
    toMarkdown(summaryTable(rows)),
    ...measured.flatMap((one) => section(one, results[one.name])),
  ].join('\n\n');
}

function section({ name, target }, { tables, command, date, commit }) {
  const parts = tables.flatMap(({ title, ...table }) => [`${title}.`, toMarkdown(table)]);
  return [`## ${name}`, `Target: ${target}. Run on ${date} at ${commit} by \`${command}\`.`, ...parts];
}
