import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, sep } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/** Who may import whom, held against the import lines of every file of `src`. Paths are relative to `src`. */

const SRC = join(import.meta.dirname, '../src');
const EXAMPLES = join(import.meta.dirname, '../examples');
const ALIASES: Readonly<Record<string, string>> = { '#core': 'core/index.ts', '#testing': 'testing/index.ts' };

const ENGINE_AND_BELOW = ['core', 'config', 'engine', 'protocol'];

/** The files that put the rooms together; they know everything but what tests alone need. */
const COMPOSITION = ['app.module.ts', 'bootstrap.ts', 'drain.ts', 'main.ts', 'signals.ts', 'start-report.ts'];
const EVERYTHING_BUT_TESTING = [
  'core',
  'config',
  'engine',
  'runtimes',
  'protocol',
  'health',
  'metadata',
  'inference',
  'repository',
  'extensions',
  'admission',
  'observability',
  'console',
  'models',
  ...COMPOSITION,
];

/** What each room may import besides itself: rooms, folders or files. Specs are exempt. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: [],
  engine: ['core', 'config'],
  runtimes: ['core', 'config'],
  'runtimes/remote': ['core', 'config', 'protocol/grpc/codec'],
  protocol: ['core', 'config'],
  health: ENGINE_AND_BELOW,
  metadata: ENGINE_AND_BELOW,
  inference: ENGINE_AND_BELOW,
  repository: ENGINE_AND_BELOW,
  extensions: ENGINE_AND_BELOW,
  admission: ['core', 'config', 'protocol/call', 'protocol/tls/tls.config.ts'],
  observability: ['core', 'config', 'protocol/call'],
  console: ['core', 'config'],
  models: ['core/index.ts'],
  testing: ['core', 'protocol', 'app.module.ts', 'bootstrap.ts'],
  ...Object.fromEntries(COMPOSITION.map((file) => [file, EVERYTHING_BUT_TESTING])),
};

/** Folders that are several rooms: those in them do not know each other. */
const HOUSES_OF_ROOMS = ['extensions', 'runtimes'];

/** What the rooms that must stay light may import of node_modules. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  core: ['reflect-metadata'],
  engine: ['@nestjs/common', '@nestjs/core', 'piscina'],
  'engine/execution/worker-threads/exchange': [],
  'engine/execution/worker-threads/thread': ['piscina'],
};

const KINDS = /^(?:utils?|common|helpers?|shared|misc|lib|interfaces|types|dto|constants|base)$/;

interface Source {
  /** Relative to `src`, with slashes. */
  readonly path: string;
  readonly text: string;
  /** The files of ours that it imports. */
  readonly files: readonly string[];
  /** The packages that it imports, `node:` ones included. */
  readonly packages: readonly string[];
}

const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readSource(path.split(sep).join('/')));

const served = sources.filter(({ path }) => !isSpec(path));

function readSource(path: string): Source {
  const text = readFileSync(join(SRC, path), 'utf8');
  const imports = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
  const files = imports.flatMap((name) => resolveOurs(path, name) ?? []);
  return { path, text, files, packages: imports.filter((name) => resolveOurs(path, name) === undefined) };
}

function resolveOurs(from: string, name: string): string | undefined {
  if (!name.startsWith('.')) return ALIASES[name];
  return posix.join(posix.dirname(from), name).replace(/\.js$/, '.ts');
}

function isSpec(path: string): boolean {
  return path.endsWith('.spec.ts');
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

/** The longest entry of the table that a file belongs to. */
const roomOf = (path: string): string | undefined =>
  Object.keys(MAY_IMPORT)
    .filter((room) => isWithin(path, room))
    .sort((a, b) => b.length - a.length)[0];

/** A port is an abstract class: that is what a fake implements. */
const isPort = (path: string): boolean =>
  sources.some((source) => source.path === path && /^export abstract class /m.test(source.text));

function mayImport(from: string, to: string): boolean {
  const house = HOUSES_OF_ROOMS.find((folder) => isWithin(from, folder) && isWithin(to, folder));
  if (house !== undefined) return from.split('/')[1] === to.split('/')[1];
  if (from.split('/')[0] === to.split('/')[0]) return true;
  if (isWithin(from, 'testing') && isPort(to)) return true;
  const room = roomOf(from);
  return room !== undefined && (MAY_IMPORT[room] ?? []).some((allowed) => isWithin(to, allowed));
}

const arrows = (wrong: (source: Source, to: string) => boolean): string[] =>
  served.flatMap((source) => source.files.filter((to) => wrong(source, to)).map((to) => `${source.path} -> ${to}`));

describe('who may import whom', () => {
  it('knows every room', () => {
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.filter(({ path }) => roomOf(path) === undefined).map(({ path }) => path)).toEqual([]);
  });

  it('has no other arrow than those of the table', () => {
    expect(arrows(({ path }, to) => !mayImport(path, to))).toEqual([]);
  });

  it('lets examples import what models may, so that they can be copied', () => {
    const examples = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.ts'),
    );
    expect(examples.length).toBeGreaterThan(10);
    const wrong = examples.flatMap((path) =>
      ts
        .preProcessFile(readFileSync(join(EXAMPLES, path), 'utf8'))
        .importedFiles.map(({ fileName }) => fileName)
        .filter((name) => name.startsWith('..') || (name === '#testing' && !isSpec(path)))
        .map((name) => `${path} -> ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it.each([
    ['core/tensor/tensor.ts', 'engine/engine.module.ts'],
    ['engine/engine.module.ts', 'protocol/grpc/status.ts'],
    ['runtimes/onnx/onnx-model.ts', 'engine/engine.module.ts'],
    ['runtimes/onnx/onnx-model.ts', 'runtimes/remote/remote.runtime.ts'],
    ['health/health.service.ts', 'metadata/metadata.service.ts'],
    ['admission/admission.module.ts', 'protocol/rest/rest-server.ts'],
    ['models/doubler/doubler.model.ts', 'core/tensor/tensor.ts'],
    ['extensions/trace/trace.module.ts', 'extensions/logging/logging.module.ts'],
    ['main.ts', 'testing/serve.ts'],
    ['testing/serve.ts', 'engine/registry/model-loader.ts'],
  ])('would refuse %s -> %s', (from, to) => {
    expect(mayImport(from, to)).toBe(false);
  });

  it.each([
    ['health/health.service.ts', 'engine/lifecycle/readiness.ts'],
    ['observability/access-log.ts', 'protocol/call/call-observer.ts'],
    ['testing/fake-policy-decision-point.ts', 'admission/authorization/policy-decision-point.ts'],
    ['models/doubler/doubler.model.ts', 'core/index.ts'],
    ['extensions/trace/trace.module.ts', 'extensions/trace/trace.service.ts'],
  ])('allows %s -> %s', (from, to) => {
    expect(mayImport(from, to)).toBe(true);
  });

  it.each(Object.entries(PACKAGES))('%s imports none but a few packages', (room, allowed) => {
    const wrong = served
      .filter(({ path }) => isWithin(path, room))
      .flatMap(({ path, packages }) =>
        packages
          .filter((name) => !name.startsWith('node:') && !allowed.some((known) => isWithin(name, known)))
          .map((name) => `${path} -> ${name}`),
      );
    expect(wrong).toEqual([]);
  });

  it('lets the specs of models import no more of ours than the two aliases and their own files', () => {
    const wrong = sources
      .filter(({ path }) => isSpec(path) && isWithin(path, 'models'))
      .flatMap(({ path, files }) =>
        files
          .filter((to) => !isWithin(to, 'models') && !Object.values(ALIASES).includes(to))
          .map((to) => `${path} -> ${to}`),
      );
    expect(wrong).toEqual([]);
  });

  it('has fakes that know no application', () => {
    const wrong = arrows(
      ({ path }, to) =>
        path.startsWith('testing/fake-') && !isPort(to) && !isWithin(to, 'core') && !isWithin(to, 'protocol'),
    );
    expect(wrong).toEqual([]);
  });
});

describe('files', () => {
  it('import each other without a cycle', () => {
    expect(findCycle()).toEqual([]);
  });

  it('are imported one by one: the two barrels are for models and tests', () => {
    const barrels = Object.values(ALIASES);
    expect(arrows(({ path }, to) => barrels.includes(to) && !isWithin(path, 'models'))).toEqual([]);
    const reexports = served.filter(({ text }) => /^export\s+(?:type\s+)?(?:\*|\{[^}]*\})[^;]*?\sfrom\s/m.test(text));
    expect(reexports.map(({ path }) => path).sort()).toEqual([...barrels].sort());
  });

  it('import by alias, or by a relative path that ends in .js', () => {
    const wrong = sources.flatMap(({ path, text }) =>
      ts
        .preProcessFile(text, true, true)
        .importedFiles.map(({ fileName }) => fileName)
        .filter((name) => (name.startsWith('.') ? !name.endsWith('.js') : name.startsWith('#') && !(name in ALIASES)))
        .map((name) => `${path} -> ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('read the environment in config alone', () => {
    const readers = served.filter(({ text }) =>
      /\bprocess\s*(?:\?\.|\.)\s*env\b|\benv\b[^;]*from 'node:process'/.test(text),
    );
    expect(readers.map(({ path }) => path).filter((path) => !isWithin(path, 'config'))).toEqual([]);
  });

  it('lie in folders that name a part of the domain, not a kind of code', () => {
    const folders = new Set(sources.flatMap(({ path }) => dirname(path).split('/')));
    expect([...folders].filter((folder) => KINDS.test(folder))).toEqual([]);
  });
});

/** The files of the first cycle that is found, its first file again at the end. */
function findCycle(): string[] {
  const graph = new Map(served.map(({ path, files }) => [path, files]));
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] => {
    const start = trail.indexOf(path);
    if (start >= 0) return [...trail.slice(start), path];
    if (done.has(path)) return [];
    for (const next of graph.get(path) ?? []) {
      const cycle = visit(next, [...trail, path]);
      if (cycle.length > 0) return cycle;
    }
    done.add(path);
    return [];
  };
  for (const path of graph.keys()) {
    const cycle = visit(path, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
