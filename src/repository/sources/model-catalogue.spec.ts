import { expect, it } from 'vitest';
import { candidateOf, echo } from '../../../test/support/engine.js';
import type { ModelSource } from '../../engine/registry/model-source.js';
import { ModelCatalogue } from './model-catalogue.js';

const one = candidateOf(() => echo);

/** A source of models with one version each. */
const sourceOf = (kind: string, ...names: readonly string[]): ModelSource => ({
  names: async () => names,
  versions: async (name) => (names.includes(name) ? [one] : undefined),
  describe: (name) => `${kind} ${name}`,
});

const catalogueOf = (code: ModelSource, folders: ModelSource) => new ModelCatalogue(code as never, [folders]);

it('has the models of both sources, sorted', async () => {
  const catalogue = catalogueOf(sourceOf('class', 'doubler', 'b'), sourceOf('folder', 'a', 'iris'));
  expect(await catalogue.names()).toEqual(['a', 'b', 'doubler', 'iris']);
  expect(await catalogue.versions('doubler')).toEqual([one]);
  expect(await catalogue.versions('iris')).toEqual([one]);
});

it('has no versions of what nobody knows', async () => {
  expect(await catalogueOf(sourceOf('class'), sourceOf('folder')).versions('nobody')).toEqual([]);
});

it('refuses a name that stands twice, and names both places', async () => {
  const catalogue = catalogueOf(sourceOf('class', 'iris'), sourceOf('folder', 'iris'));
  expect(await catalogue.names()).toEqual(['iris']);
  await expect(catalogue.versions('iris')).rejects.toThrow(
    "model 'iris' stands twice, as class iris and as folder iris: rename one",
  );
  await expect(catalogue.assertUnique(['other', 'iris'])).rejects.toThrow("model 'iris' stands twice");
  await catalogue.assertUnique(['other']);
});

it('looks into no model to find such a name', async () => {
  const unreadable = { ...sourceOf('folder', 'lost+found'), versions: () => Promise.reject(new Error('EACCES')) };
  const catalogue = catalogueOf(sourceOf('class', 'iris'), unreadable);
  await catalogue.assertUnique(['lost+found', 'iris']);
  await expect(catalogue.versions('lost+found')).rejects.toThrow('EACCES');
});

it('compares the sources a few times for all who ask at once, and describes only the name that it tells of', async () => {
  const names = Array.from({ length: 100 }, (_, index) => `m${index}`);
  let looks = 0;
  const described: string[] = [];
  const counted = (source: ModelSource): ModelSource => ({
    ...source,
    names: () => (looks++, source.names()),
    describe: (name) => (described.push(name), source.describe(name)),
  });
  const catalogue = catalogueOf(counted(sourceOf('class', 'doubler', ...names)), counted(sourceOf('folder', ...names)));
  const asked = await Promise.allSettled(['doubler', 'iris', ...names].map((name) => catalogue.versions(name)));
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  expect(looks).toBe(4);
  described.length = 0;
  await expect(catalogue.assertUnique(names)).rejects.toThrow("model 'm0' stands twice");
  expect(described).toEqual(['m0', 'm0']);
});
