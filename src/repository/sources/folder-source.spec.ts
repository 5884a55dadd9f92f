import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fp32, type ModelArtifact, type ModelRuntime, signature } from '#core';
import { echo } from '../../../test/support/engine.js';
import { ModelOpener } from '../../engine/execution/model-opener.js';
import type { RuntimeExplorer } from '../../engine/registry/runtime-explorer.js';
import { ArtifactOpener } from '../artifacts/artifact-opener.js';
import type { RepositoryConfig } from '../repository.config.js';
import { FolderSource } from './folder-source.js';

let root: string;
let artifacts: ModelArtifact[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'folder-source-'));
  artifacts = [];
});

afterEach(() => rm(root, { recursive: true }));

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

const classifier = signature({
  inputs: { x: fp32(-1, 3) },
  outputs: { scores: fp32(-1, 3), wide: fp32(-1, 4), free: fp32(-1, -1), scalar: fp32() },
});

const runtime: ModelRuntime = {
  async load(artifact) {
    artifacts.push(artifact);
    return { inputs: classifier.inputs, outputs: classifier.outputs, model: echo };
  },
};

/** Claims files as the registered runtimes would. */
function sourceOf(...claimed: readonly string[]): FolderSource {
  const explorer: Pick<RuntimeExplorer, 'artifacts' | 'backends' | 'named' | 'claiming'> = {
    artifacts: claimed,
    backends: ['text'],
    named: () => undefined,
    claiming: (artifact) => ({ runtime, claim: { platform: `platform of ${artifact}`, backend: 'text', artifact } }),
  };
  const config = { DEFAULT_MAX_BATCH_SIZE: 0, REQUIRE_MODEL_DIGESTS: false } as RepositoryConfig;
  return new FolderSource(root, new ArtifactOpener(explorer as RuntimeExplorer, new ModelOpener(), config), 1_000);
}

const context = { name: 'm', version: '1', signal: new AbortController().signal };

describe('a version', () => {
  it('is opened by the runtime that claims its file', async () => {
    await write({ 'm/1/model.txt': '', 'm/2/model.csv': '' });
    const versions = (await sourceOf('model.txt', 'model.csv').versions('m')) ?? [];
    expect(versions.map(({ version, platform }) => [version, platform])).toEqual([
      ['1', 'platform of model.txt'],
      ['2', 'platform of model.csv'],
    ]);
    expect((await versions[1]?.open(context))?.model).toBe(echo);
    expect(artifacts).toEqual([{ name: 'm', version: '2', path: join(root, 'm/2/model.csv') }]);
  });

  it('without such a file cannot be opened, and says what it lacks', async () => {
    await write({ 'm/1/readme': '' });
    const [version] = (await sourceOf('model.txt', 'model.csv').versions('m')) ?? [];
    await expect(version?.open(context)).rejects.toThrow(
      'the folder of version 1 holds no file that a runtime claims (model.txt, model.csv)',
    );
    const [other] = (await sourceOf().versions('m')) ?? [];
    await expect(other?.open(context)).rejects.toThrow('(nothing, for no runtime is registered)');
  });

  it('has another fingerprint when any of its files, or its labels, change', async () => {
    await write({ 'm/1/model.txt': 'a', 'm/1/weights.bin': 'a' });
    const of = async () => (await sourceOf('model.txt').versions('m'))?.[0]?.fingerprint;
    const seen = [await of()];
    expect(await of()).toBe(seen[0]);
    const changes = [
      { 'm/1/model.txt': 'ab' },
      { 'm/1/weights.bin': 'ab' },
      { 'm/1/more.bin': '' },
      { 'm/labels.txt': 'cat' },
    ];
    for (const files of changes) {
      await write(files);
      seen.push(await of());
    }
    expect(new Set(seen).size).toBe(changes.length + 1);
    const last = await of();
    await write({ 'm/2/model.txt': '', 'm/readme': '' });
    expect(await of()).toBe(last);
  });

  it('has its labels on the outputs that are as wide', async () => {
    await write({ 'm/1/model.txt': '', 'm/labels.txt': 'cat\ndog\nfox\n' });
    const [version] = (await sourceOf('model.txt').versions('m')) ?? [];
    const { outputs = [] } = (await version?.open(context)) ?? {};
    expect(outputs.map(({ name, labels }) => [name, labels])).toEqual([
      ['scores', ['cat', 'dog', 'fox']],
      ['wide', undefined],
      ['free', undefined],
      ['scalar', undefined],
    ]);
  });
});

describe('a configuration', () => {
  const config = `
    backend: "text"
    output [ { name: "scores" data_type: TYPE_FP32 dims: [ -1, 3 ] label_filename: "classes.txt" } ]
    model_warmup [ { name: "s" inputs { key: "x" value {
      data_type: TYPE_FP32 dims: [ 1, 3 ] input_data_file: "x.bin" } } } ]`;

  it('and all that it names is part of the fingerprint', async () => {
    await write({ 'm/1/model.txt': '', 'm/config.pbtxt': config, 'm/classes.txt': 'a', 'm/warmup/x.bin': 'a' });
    const of = async () => (await sourceOf('model.txt').versions('m'))?.[0]?.fingerprint;
    const seen = [await of()];
    for (const files of [{ 'm/config.pbtxt': `${config} ` }, { 'm/classes.txt': 'ab' }, { 'm/warmup/x.bin': 'ab' }]) {
      await write(files);
      seen.push(await of());
    }
    expect(new Set(seen).size).toBe(4);
  });

  it('that cannot be read is a version that tells why', async () => {
    await write({ 'm/1/model.txt': '', 'm/2/model.txt': '', 'm/config.pbtxt': 'what: 1' });
    const versions = (await sourceOf('model.txt').versions('m')) ?? [];
    expect(versions.map(({ version }) => version)).toEqual(['2']);
    await expect(versions[0]?.open({ ...context, name: 'm' })).rejects.toThrow(/^m\/config\.pbtxt:1: /);
  });

  it('of an ensemble names the models that come before', async () => {
    await write({
      'm/1/.keep': '',
      'm/config.pbtxt': `platform: "ensemble" ensemble_scheduling { step [
        { model_name: "a" model_version: -1 }, { model_name: "b" model_version: 2 }, { model_name: "a" } ] }`,
    });
    expect((await sourceOf('model.txt').versions('m'))?.[0]?.dependsOn).toEqual(['a', 'b']);
  });
});

describe('the repository', () => {
  it('lists its models, and knows no others', async () => {
    await write({ 'a/1/model.txt': '', 'b/1/model.txt': '' });
    const source = sourceOf('model.txt');
    expect(await source.names()).toEqual(['a', 'b']);
    for (const name of ['nobody', '', '.', '..', 'a/1', '../a', join('..', relative(tmpdir(), root), 'a')]) {
      expect(await source.versions(name)).toBeUndefined();
    }
  });

  it('says where a model lies', () => {
    expect(sourceOf().describe('a')).toBe(`folder ${join(root, 'a')}`);
  });
});
