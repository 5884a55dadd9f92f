import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileSnippets } from '../../test/types/compile.js';

/** The files of core whose examples stand alone. */
const FILES = [
  'model/execution.ts',
  'model/model.decorator.ts',
  'model/signature.ts',
  'runtime/runtime.decorator.ts',
  'tensor/kinds.ts',
] as const;

/** What a reader of an example has imported, from `#core` and from Node. */
const IMPORTS: Readonly<Record<string, readonly string[]>> = {
  '#core': [
    'bytes',
    'fp32',
    'type Inputs',
    'int64',
    'type LoadedModel',
    'Model',
    'type ModelArtifact',
    'type ModelRuntime',
    'optional',
    'Runtime',
    'signature',
    'workerThreads',
  ],
  'node:fs/promises': ['readFile'],
};

function examplesOf(file: string): string[] {
  const source = readFileSync(join(import.meta.dirname, file), 'utf8');
  return [...source.matchAll(/\/\*\*(.*?)\*\//gs)].flatMap(([, comment = '']) => {
    const [, ...examples] = comment.replaceAll(/^ *\* ?/gm, '').split(/^ *@example/m);
    return examples.map((example) => example.split(/^@/m)[0]?.replaceAll('\\@', '@').trim() ?? '');
  });
}

function withImports(example: string): string {
  const imports = Object.entries(IMPORTS).flatMap(([module, names]) => {
    const used = names.filter((name) => new RegExp(`\\b${name.replace('type ', '')}\\b`).test(example));
    return used.length === 0 ? [] : [`import { ${used.join(', ')} } from '${module}';`];
  });
  // An expression or a constant of its own would be reproached with being unused.
  const body = example.replace(/^(const \w+ =)/, 'export $1').replace(/^(?=\w+\()/, 'export const example = ');
  return [...imports, body, 'export {};'].join('\n');
}

const examples = FILES.flatMap((file) =>
  examplesOf(file).map((example, index) => [`${file} ${index + 1}`, example] as const),
);
const findings = compileSnippets(
  'src/core',
  Object.fromEntries(examples.map(([name, example]) => [name, withImports(example)])),
);

describe('the examples in the documentation of core', () => {
  it('stand in each of the files', () => {
    const counts = FILES.map((file) => examples.filter(([name]) => name.startsWith(file)).length);
    expect(counts).toEqual([1, 1, 1, 1, 2]);
  });

  it.each(examples)('compile: %s', (name) => {
    expect(findings[name]).toEqual([]);
  });
});
