import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SECTIONS } from '../src/app.module.js';
import { describeSections } from '../src/config/describe-sections.js';
import { parseSections } from '../src/config/parse-sections.js';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '..', path), 'utf8');

const keys = describeSections(SECTIONS);

describe('.env.example', () => {
  const entries = [...read('.env.example').matchAll(/^# (.*)\n(\w+)=(.*)$/gm)];

  it('has every key with its sentence and its default, in order, and no other', () => {
    expect(entries.map(([, description, key, value]) => ({ key, value, description }))).toEqual(
      keys.map(({ key, default: value = '', description }) => ({ key, value, description })),
    );
  });

  it('changes nothing when it is copied as it is', () => {
    const environment = Object.fromEntries(entries.map(([, , key, value]) => [key, value]));
    expect(parseSections(SECTIONS, environment)).toEqual(parseSections(SECTIONS, {}));
  });
});

describe('docs/reference/configuration.md', () => {
  it('has a row for every key under the class that holds it, in order, and no other', () => {
    const [, ...chapters] = read('docs/reference/configuration.md').split(/^## /m);
    const rows = chapters.flatMap((chapter) => {
      const section = /`(\w+)`/.exec(chapter)?.[1];
      return [...chapter.matchAll(/^\| `(\w+)` .*$/gm)].map(([row, key]) => {
        const [, , value, allowed, description] = row.split('|').map((cell) => cell.trim());
        return { section, key, value, allowed, description };
      });
    });
    expect(rows).toEqual(
      keys.map(({ section, key, default: value, allowed, description }) => {
        return { section, key, value: value === undefined ? 'unset' : `\`${value}\``, allowed, description };
      }),
    );
  });
});
