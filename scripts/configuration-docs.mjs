import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, install, root, run } from './prepare.mjs';

/** Writes .env.example and docs/reference/configuration.md from the classes that hold the keys. */

install();
build();
const { SECTIONS } = await import('../dist/app.module.js');
const { describeSections } = await import('../dist/config/describe-sections.js');

const REFERENCE = join(root, 'docs/reference/configuration.md');
const EXAMPLE = join(root, '.env.example');

const reference = readFileSync(REFERENCE, 'utf8');
const [introduction, ...chapters] = reference.split(/^## /m);

/** A chapter keeps the title that it has; a new one is called as its class is. */
const titles = new Map(chapters.map((chapter) => [/`(\w+)`/.exec(chapter)?.[1], chapter.split('\n')[0]]));
const titleOf = (section) => titles.get(section) ?? section.replace(/Config$/, '').replace(/(?<=[a-z])(?=[A-Z])/g, ' ');

const sources = readdirSync(join(root, 'src'), { recursive: true })
  .filter((path) => path.endsWith('.config.ts'))
  .map((path) => `src/${path.replaceAll('\\', '/')}`);
const sourceOf = (section) =>
  sources.find((path) => readFileSync(join(root, path), 'utf8').includes(`export class ${section} `));

const keysOf = (section) => describeSections([section]);

const chapterOf = (section) => {
  const rows = keysOf(section).map(({ key, default: value, allowed, description }) => {
    return `| \`${key}\` | ${value === undefined ? 'unset' : `\`${value}\``} | ${allowed} | ${description} |`;
  });
  const path = sourceOf(section.name);
  return [
    `## ${titleOf(section.name)}\n`,
    `\`${section.name}\` in [${path}](../../${path}).\n`,
    '| Key | Default | Allowed | Meaning |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
};

const exampleOf = (section) => {
  const entries = keysOf(section).map(
    ({ key, default: value = '', description }) => `# ${description}\n${key}=${value}\n`,
  );
  return [`### ${titleOf(section.name)}\n`, ...entries].join('\n');
};

const head = readFileSync(EXAMPLE, 'utf8').split(/^### /m)[0];
writeFileSync(EXAMPLE, head + SECTIONS.map(exampleOf).join('\n'));
writeFileSync(REFERENCE, introduction + SECTIONS.map(chapterOf).join('\n'));
run(process.execPath, [
  join('node_modules', 'prettier', 'bin', 'prettier.cjs'),
  '--log-level=warn',
  '--write',
  REFERENCE,
]);
