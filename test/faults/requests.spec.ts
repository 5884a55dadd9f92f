import { describe, expect, it } from 'vitest';
import { fp32, int32, optional, signature } from '#core';
import { defineModel } from '#testing';
import { get, infer, inferOver, inferPath, post, rpc, type SentTensor, WIRES } from '../support/wires.js';
import { surviving } from './survives.js';

/** F16 to F20: names that are missing, unknown, doubled or absurd. */

const pair = signature({
  inputs: { a: fp32(2), b: fp32(2), seed: optional(int32(1)) },
  outputs: { sum: fp32(2), difference: fp32(2) },
});
const define = (name: string) =>
  defineModel(name, pair, ({ a, b }) => ({
    sum: a.map((value, i) => value + (b.data[i] ?? 0)),
    difference: a.map((value, i) => value - (b.data[i] ?? 0)),
  }));

const server = surviving([define('pair'), define('constructor'), define('__proto__')]);

const REFUSED = { grpc: 'INVALID_ARGUMENT', rest: 400 } as const;
const UNKNOWN = { grpc: 'NOT_FOUND', rest: 404 } as const;
const FINE = { grpc: 'OK', rest: 200 } as const;

const tensor = (name: string): SentTensor => ({ name, datatype: 'FP32', shape: [2], data: [1, 2] });

describe.each(WIRES)('%s', (wire) => {
  it.each([
    ['none', [], /^expected number of inputs between 2 and 3 but got 0 inputs for model 'pair'.* \['a','b'\]/],
    ['one missing', ['a'], /Got input\(s\) \['a'\], but missing required input\(s\) \['b'\]/],
    ['one unexpected', ['a', 'b', 'c'], /^unexpected inference input 'c' for model 'pair'$/],
    ['another case', ['A', 'b'], /^unexpected inference input 'A' for model 'pair'$/],
    ['one that every object has', ['a', 'b', 'toString'], /^unexpected inference input 'toString' for model 'pair'$/],
    ['a prototype', ['a', 'b', '__proto__'], /^unexpected inference input '__proto__' for model 'pair'$/],
    ['an output', ['a', 'sum'], /^unexpected inference input 'sum' for model 'pair'$/],
  ])('F16: %s', async (_, names, message) => {
    expect(await inferOver[wire](server(), { model: 'pair', inputs: names.map(tensor) })).toMatchObject({
      status: REFUSED[wire],
      message: expect.stringMatching(message) as unknown,
    });
  });

  it('F17: the same input twice', async () => {
    expect(await inferOver[wire](server(), { model: 'pair', inputs: ['a', 'b', 'a'].map(tensor) })).toMatchObject({
      status: REFUSED[wire],
      message: "input 'a' already exists in request",
    });
  });

  const inputs = [tensor('a'), tensor('b')];

  it('F17: the same output twice', async () => {
    expect(await inferOver[wire](server(), { model: 'pair', inputs, outputs: ['sum', 'sum'] })).toMatchObject({
      status: REFUSED[wire],
      message: "output 'sum' already exists in request",
    });
  });

  it.each(['nope', 'SUM', 'a', 'toString', '__proto__', ' sum'])('F18: output %j', async (output) => {
    expect(await inferOver[wire](server(), { model: 'pair', inputs, outputs: ['sum', output] })).toMatchObject({
      status: REFUSED[wire],
      message: `unexpected inference output '${output}' for model 'pair'`,
    });
  });

  it.each(['nope', ' ', '\t', 'Pair', ' pair', 'pair\0', 'a/b', '../pair', 'toString', '<script>', 'ü'.repeat(50)])(
    'F19: model %j',
    async (model) => {
      expect(await inferOver[wire](server(), { model, inputs })).toMatchObject({
        status: UNKNOWN[wire],
        message: `Request for unknown model: '${model}' is not found`,
      });
    },
  );

  it.each(['constructor', '__proto__'])('F19: a model may be called %s', async (model) => {
    expect(await inferOver[wire](server(), { model, inputs })).toMatchObject({ status: FINE[wire] });
  });

  it.each(['99', '9'.repeat(300)])('F20: version %s', async (version) => {
    expect(await inferOver[wire](server(), { model: 'pair', version, inputs })).toMatchObject({
      status: UNKNOWN[wire],
      message: `Request for unknown model: 'pair' version ${version} is not found`,
    });
  });

  it.each(['latest', '-1', '0', '1.5', '01', '+1', '1e0', ' ', '1 ', '٣', '__proto__'])(
    'F20: version %j is none',
    async (version) => {
      const status = { grpc: 'INVALID_ARGUMENT', rest: 404 } as const;
      const expected = {
        status: status[wire],
        message: `failed to get model version from specified version string '${version}', version should be an integral value > 0`,
      };
      expect(await inferOver[wire](server(), { model: 'pair', version, inputs })).toMatchObject(expected);
      const metadata = {
        grpc: rpc('ModelMetadata', { name: 'pair', version }),
        rest: get(`/v2/models/pair/versions/${encodeURIComponent(version)}`),
      };
      expect(await metadata[wire](server())).toMatchObject(expected);
    },
  );
});

describe('grpc', () => {
  it('F19: no model', async () => {
    expect(await infer({ model: '', inputs: [] }).grpc(server())).toMatchObject({
      status: 'NOT_FOUND',
      message: "Request for unknown model: '' is not found",
    });
  });

  it('F19: 10 kB of a name, of which the reply repeats some', async () => {
    const { status, message } = await infer({ model: 'm'.repeat(10_000), inputs: [] }).grpc(server());
    expect(status).toBe('NOT_FOUND');
    expect(message).toMatch(/^Request for unknown model: 'm{900,}…$/);
  });

  it('F20: an empty version is the default one', async () => {
    const inputs = [tensor('a'), tensor('b')];
    expect(await inferOver.grpc(server(), { model: 'pair', version: '', inputs })).toMatchObject({
      status: 'OK',
      reply: { model_version: '1' },
    });
  });
});

describe('rest', () => {
  it.each([
    ['F19: no model', '/v2/models//infer', 404],
    ['F19: 10 kB of a name', inferPath('m'.repeat(10_000)), 400],
    ['F20: an empty version', '/v2/models/pair/versions//infer', 404],
    ['F20: 10 kB of a version', inferPath('pair', '1'.repeat(10_000)), 400],
    ['F19: a name that is no URL', '/v2/models/%/infer', 400],
    ['F19: a name that is no UTF-8', '/v2/models/%ff/infer', 400],
  ])('%s', async (_, path, status) => {
    const answer = await post(path, '{"inputs":[]}')(server());
    expect(answer).toMatchObject({
      status,
      message: expect.stringMatching(/path|segment|Not Found|not found/) as unknown,
    });
  });
});
