import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHAPTERS } from './features/index.js';
import { FAILURE_TITLES } from './features/failures.js';
import type { Proof } from './features/feature.js';
import { pageOf } from './features/page.js';

/** The page of the protocol's features is what the tests say. */

const ROOT = join(import.meta.dirname, '../..');

const features = CHAPTERS.flatMap(({ section, features: all }) => all.map((feature) => ({ section, ...feature })));

const sources = new Map<string, string>();
function sourceOf(file: string): string {
  const known = sources.get(file);
  if (known !== undefined) return known;
  const path = join(ROOT, file);
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  sources.set(file, text);
  return text;
}

/** The titles that stand in a spec, as they are written. */
const titlesIn = (text: string): string[] =>
  [...text.matchAll(/(?:\bit|\))\(\s*(?:'([^'\n]+)'|"([^"\n]+)"|`([^`\n]+)`),/g)].map(
    ([, a, b, c]) => a ?? b ?? c ?? '',
  );

const literally = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** Whether a spec has a test of this title, or a table of tests with a case that makes it. */
function exists({ file, title }: Proof): boolean {
  if (file.endsWith('/errors.spec.ts')) return FAILURE_TITLES.has(title);
  const text = sourceOf(file);
  return titlesIn(text).some((written) => {
    if (written === title) return true;
    const [, ...cases] = new RegExp(`^${literally(written).replaceAll(/%[sijo]/g, '(.+)')}$`).exec(title) ?? [];
    return cases.length > 0 && cases.every((one) => text.includes(`'${one}'`));
  });
}

describe('every feature', () => {
  it('that we have has a test that is there', () => {
    const absent = features.flatMap(({ what, proofs }) =>
      proofs.filter((proof) => !exists(proof)).map(({ file, title }) => `${what}: no '${title}' in ${file}`),
    );
    expect(absent).toEqual([]);
  });

  it('is held by a test, or says why it is not there', () => {
    const neither = features.filter(({ proofs, reason = '' }) => proofs.length > 0 === (reason !== ''));
    expect(neither.map(({ what }) => what)).toEqual([]);
  });

  it('is told by whom it is known', () => {
    expect(features.filter(({ who }) => !/^O?T?M?K?S?A?$/.test(who)).map(({ what }) => what)).toEqual([]);
  });

  it('stands once in its chapter', () => {
    const names = features.map(({ section, what }) => `${section} ${what}`);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

it('the failures are all rows of their table', () => {
  const rows = features.filter(({ section }) => section === '2.2').map(({ what }) => Number.parseInt(what));
  expect([...new Set(rows)]).toEqual(Array.from({ length: 87 }, (_, index) => index + 1));
});

it('every case of a failure is told of', () => {
  const told = new Set(features.flatMap(({ proofs }) => proofs.map(({ title }) => title)));
  expect([...FAILURE_TITLES].filter((title) => !told.has(title))).toEqual([]);
});

it('docs/reference/protocol.md is what npm run docs:protocol writes', async () => {
  await expect(pageOf(CHAPTERS)).toMatchFileSnapshot(join(ROOT, 'docs/reference/protocol.md'));
});
