import { beforeEach, describe, expect, it } from 'vitest';
import { serve } from '#testing';
import { captureLog } from '../../test/support/captured-log.js';
import { fp32Tensor, outputsByName } from '../../test/support/configured-folders.js';
import { FixtureRepository } from '../../test/support/fixture-repository.js';
import { servedRepository } from '../../test/support/served-repository.js';
import { type Answer, infer, post, rpc, type SentInference, WIRES } from '../../test/support/wires.js';
import { ModelRegistry } from '../engine/registry/model-registry.js';

/** Ensembles, sequences, kept answers and models of other servers, as folders describe them. */

captureLog();

const served = servedRepository();
const { put, start } = served;

const vector = (role: 'input' | 'output', name: string) =>
  `${role} [ { name: "${name}" data_type: TYPE_FP32 dims: [ -1 ] } ]`;

/** An ensemble that runs `x` through models one after the other, to `y`. */
const chain = (...models: readonly string[]): string => {
  const steps = models.map(
    (model, index) => `{
      model_name: "${model}" model_version: -1
      input_map { key: "${model.startsWith('chain') ? 'x' : 'INPUT0'}" value: "${index === 0 ? 'x' : `t${index}`}" }
      output_map { key: "${model.startsWith('chain') ? 'y' : 'OUTPUT0'}" value: "${index === models.length - 1 ? 'y' : `t${index + 1}`}" }
    }`,
  );
  return `platform: "ensemble" ${vector('input', 'x')} ${vector('output', 'y')} ensemble_scheduling { step [ ${steps.join(',')} ] }`;
};

const states = (): Record<string, string> =>
  Object.fromEntries(
    ['chain', 'chain2', 'plus_one', 'plus_two'].map((name) => [
      name,
      (served.server.get(ModelRegistry).versionsOf(name) ?? []).map(({ state }) => state.kind).join(),
    ]),
  );

describe.each(WIRES)('over %s', (wire) => {
  const run = (request: SentInference): Promise<Answer> => infer(request)[wire](served.server);
  const through = async (model: string) =>
    outputsByName(await run({ model, inputs: [fp32Tensor('x', [2], [1, 2])], outputs: ['y'] }));
  const load = (model: string) =>
    ({ grpc: rpc('RepositoryModelLoad', { model_name: model }), rest: post(`/v2/repository/models/${model}/load`) })[
      wire
    ](served.server);
  const unload = (model: string, unload_dependents = false) =>
    ({
      grpc: rpc('RepositoryModelUnload', {
        model_name: model,
        parameters: { unload_dependents: { bool_param: unload_dependents } },
      }),
      rest: post(`/v2/repository/models/${model}/unload`, { parameters: { unload_dependents } }),
    })[wire](served.server);

  describe('an ensemble', () => {
    beforeEach(async () => {
      await put('plus_one', { versions: { 1: 'plus_one' } });
      await put('plus_two', { versions: { 1: 'plus_two' } });
      await put('chain', { versions: { 1: '' }, config: chain('plus_one', 'plus_two') });
      // Its name comes before those of its models, and it holds another ensemble.
      await put('chain2', { versions: { 1: '' }, config: chain('chain', 'plus_one') });
    });

    it('is loaded after its models at the start', async () => {
      await start();
      expect([await through('chain'), await through('chain2')]).toEqual([{ y: [4, 5] }, { y: [5, 6] }]);
      expect(served.server.get(ModelRegistry).resolve('chain', '').config).toMatchObject({
        platform: 'ensemble',
        name: 'chain',
      });
    });

    it('brings its models with it when it is loaded alone', async () => {
      await start({ LOAD_MODELS: ',' });
      expect(await load('chain2')).toMatchObject({ message: '' });
      expect(await through('chain2')).toEqual({ y: [5, 6] });
    });

    it('is unavailable while one of its models is', async () => {
      await start();
      await unload('plus_two');
      expect(served.server.get(ModelRegistry).isReady('chain2')).toBe(false);
      await load('plus_two');
      expect(await through('chain2')).toEqual({ y: [5, 6] });
    });

    it('takes its models with it on request, but for those that others call', async () => {
      await start();
      await unload('chain2', true);
      expect(states()).toEqual({
        chain: 'unavailable',
        chain2: 'unavailable',
        plus_one: 'unavailable',
        plus_two: 'unavailable',
      });
      await load('chain2');
      await put('chain3', { versions: { 1: '' }, config: chain('plus_one', 'plus_one') });
      await load('chain3');
      await unload('chain2', true);
      expect(states()).toEqual({
        chain: 'unavailable',
        chain2: 'unavailable',
        plus_one: 'ready',
        plus_two: 'unavailable',
      });
      await unload('chain3');
      expect(states()).toMatchObject({ plus_one: 'ready' });
    });

    it('says which model it lacks', async () => {
      await put('chain', { config: chain('plus_one', 'nobody') });
      await start({ LOAD_MODELS: ',' });
      expect((await load('chain')).message).toContain("depends on 'nobody' which has no loaded version");
      await put('chain', { config: chain('chain2') });
      expect((await load('chain')).message).toMatch(/depends on 'chain2' which has no loaded version/);
    });
  });

  describe('a sequence', () => {
    const sequence = (model: string, value: number, flags: Record<string, boolean>): Promise<Answer> =>
      run({
        model,
        inputs: [fp32Tensor('INPUT0', [1, 1], [value])],
        parameters: { sequence_id: 'a', ...flags },
      });

    const config = (strategy: string, initial: string) => `
      max_batch_size: 4
      input [ { name: "INPUT0" data_type: TYPE_FP32 dims: [ 1 ] } ]
      output [ { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 1 ] } ]
      sequence_batching {
        ${strategy}
        control_input [ {
          name: "START"
          control [ { kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0, 1 ] } ]
        } ]
        state [ {
          input_name: "STATE_IN" output_name: "STATE_OUT" data_type: TYPE_FP32 dims: [ 1 ]
          ${initial}
        } ]
      }`;

    it.each(['direct {}', 'oldest { max_candidate_sequences: 4 }'])(
      'keeps its state and sees its start: %s',
      async (strategy) => {
        await put('m', { versions: { 1: 'accumulate' }, config: config(strategy, '') });
        const file = Buffer.alloc(4);
        file.writeFloatLE(1_000);
        await put('from_file', {
          versions: { 1: 'accumulate' },
          config: config(strategy, 'initial_state { name: "s" data_type: TYPE_FP32 dims: [ 1 ] data_file: "seed" }'),
          files: { 'initial_state/seed': file },
        });
        await put('zero', {
          versions: { 1: 'accumulate' },
          config: config(strategy, 'initial_state { name: "s" data_type: TYPE_FP32 dims: [ 1 ] zero_data: true }'),
        });
        await start();
        const sums = async (model: string) => [
          outputsByName(await sequence(model, 1, { sequence_start: true })),
          outputsByName(await sequence(model, 2, {})),
          outputsByName(await sequence(model, 3, { sequence_end: true })),
        ];
        expect(await sums('m')).toEqual([{ OUTPUT0: [101] }, { OUTPUT0: [3] }, { OUTPUT0: [6] }]);
        expect(await sums('zero')).toEqual([{ OUTPUT0: [101] }, { OUTPUT0: [3] }, { OUTPUT0: [6] }]);
        expect(await sums('from_file')).toEqual([{ OUTPUT0: [1101] }, { OUTPUT0: [1003] }, { OUTPUT0: [1006] }]);
        expect((await sequence('m', 1, {})).message).toContain('must specify the START flag');
      },
    );
  });

  it('keeps answers of a model with response_cache', async () => {
    await put('plus_one', { versions: { 1: 'plus_one' }, config: 'response_cache { enable: true }' });
    await start({ RESPONSE_CACHE_BYTES: '1000000' });
    expect(served.server.get(ModelRegistry).resolve('plus_one', '').isCached).toBe(true);
    const request = { model: 'plus_one', inputs: [fp32Tensor('INPUT0', [1], [1])] };
    expect([outputsByName(await run(request)), outputsByName(await run(request))]).toEqual([
      { OUTPUT0: [2] },
      { OUTPUT0: [2] },
    ]);
  });

  it('serves a model of another server by its folder', async () => {
    await using upstreamRepository = await FixtureRepository.of(['plus_two']);
    await using upstream = await serve([], { environment: { MODEL_REPOSITORY: upstreamRepository.path } });
    await put('far', {
      versions: { 1: '' },
      config: `
        backend: "remote"
        parameters { key: "upstream" value { string_value: "there" } }
        parameters { key: "model" value { string_value: "plus_two" } }`,
    });
    await start({ REMOTE_UPSTREAMS: `there=${upstream.addresses.grpc}` });
    const answer = await run({ model: 'far', inputs: [fp32Tensor('INPUT0', [1], [1])] });
    expect(outputsByName(answer)).toEqual({ OUTPUT0: [3] });
  });
});
