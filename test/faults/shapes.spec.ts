import { describe, expect, it } from 'vitest';
import { fp32, signature } from '#core';
import { defineModel } from '#testing';
import { ALL_DATATYPES, echoModels, echoOf } from '../support/echo-models.js';
import { inferOver, onlyOutput, post, WIRES } from '../support/wires.js';
import { surviving } from './survives.js';

/** F01 to F04: shapes that lie, and shapes that only look as if they did. */

const scalar = signature({ inputs: { x: fp32() }, outputs: { y: fp32() } });
const Scalar = defineModel('scalar', scalar, ({ x }) => ({ y: x.map((value) => value * 2) }));

const server = surviving([...echoModels([-1, -1]), Scalar]);

const REFUSED = { grpc: 'INVALID_ARGUMENT', rest: 400 } as const;
const TWO_60 = 2n ** 60n;

/** What a tensor claims, and the few or no bytes that come along, in each form that a wire has. */
const forms = (shape: readonly unknown[], datatype = 'FP32') => [
  { name: 'x', datatype, shape, data: Array.from({ length: 32 }, () => 1) },
  { name: 'x', datatype, shape, raw: Buffer.alloc(32) },
  // What a product that wraps around to 0 would be content with.
  { name: 'x', datatype, shape, data: [] },
  { name: 'x', datatype, shape, raw: Buffer.alloc(0) },
];

describe.each(WIRES)('%s', (wire) => {
  it.each([
    ['F01', 'product 2^64+32', [16, TWO_60 + 2n]],
    ['F01', 'product 2^64+32, the other way round', [TWO_60 + 2n, 16]],
    ['F01', 'product 2^64', [2n ** 32n, 2n ** 32n]],
    ['F02', 'bytes 2^64+32', [4, TWO_60 + 2n]],
    ['F02', 'bytes 2^64', [2n ** 31n, 2n ** 31n]],
    ['F03', 'dimension beyond 2^53', [1, 2n ** 53n + 2n]],
    ['F03', 'dimension 2^63-1', [1, 2n ** 63n - 1n]],
  ])('%s: %s', async (_, __, shape) => {
    for (const tensor of forms(shape)) {
      const answer = await inferOver[wire](server(), { model: 'echo_FP32', inputs: [tensor] });
      expect(answer).toMatchObject({ status: REFUSED[wire], message: expect.stringMatching(/'x'/) as unknown });
    }
  });

  it.each(ALL_DATATYPES)('F02: a count that no memory holds, %s', async (datatype) => {
    for (const tensor of forms([2n ** 26n, 2n ** 26n], datatype)) {
      const answer = await inferOver[wire](server(), { model: echoOf(datatype), inputs: [tensor] });
      expect(answer).toMatchObject({ status: REFUSED[wire], message: expect.stringMatching(/x/) as unknown });
    }
  });

  it.each([
    ['negative', [1, -2]],
    ['two negatives, of a positive product', [-1, -2]],
    ['negative beside zero', [0, -1]],
  ])('F03: %s dimension', async (_, shape) => {
    for (const tensor of forms(shape)) {
      const answer = await inferOver[wire](server(), { model: 'echo_FP32', inputs: [tensor] });
      expect(answer).toMatchObject({ status: REFUSED[wire], message: expect.stringMatching(/'x'/) as unknown });
    }
  });

  it.each(ALL_DATATYPES)('F04: a tensor without elements, %s', async (datatype) => {
    const model = echoOf(datatype);
    for (const shape of [
      [0, 4],
      [3, 0],
      [0, 0],
    ]) {
      for (const contents of [{ raw: Buffer.alloc(0) }, {}]) {
        const inputs = [{ name: 'x', datatype, shape, ...contents }];
        const answer = await inferOver[wire](server(), { model, inputs, binary: true });
        expect(onlyOutput(answer)).toEqual({ name: 'y', datatype, shape, raw: Buffer.alloc(0) });
      }
    }
  });

  it('F04: a scalar', async () => {
    const sent = { name: 'x', datatype: 'FP32', shape: [] };
    for (const contents of [{ data: [1.5] }, { raw: Buffer.from(Float32Array.of(1.5).buffer) }]) {
      const answer = await inferOver[wire](server(), {
        model: 'scalar',
        inputs: [{ ...sent, ...contents }],
        binary: true,
      });
      expect(onlyOutput(answer)).toMatchObject({ shape: [], raw: Buffer.from(Float32Array.of(3).buffer) });
    }
  });

  it('F04: a scalar where the model wants none, and the reverse', async () => {
    const lone = { name: 'x', datatype: 'FP32', shape: [], data: [1] };
    expect(await inferOver[wire](server(), { model: 'echo_FP32', inputs: [lone] })).toMatchObject({
      status: REFUSED[wire],
      message: expect.stringContaining(
        "shape for input 'x' for model 'echo_FP32'. Expected [-1,-1], got []",
      ) as unknown,
    });
    expect(await inferOver[wire](server(), { model: 'scalar', inputs: [{ ...lone, shape: [1] }] })).toMatchObject({
      status: REFUSED[wire],
      message: expect.stringContaining("shape for input 'x' for model 'scalar'. Expected [], got [1]") as unknown,
    });
  });
});

describe('rest', () => {
  const send = (shape: string) =>
    post('/v2/models/echo_FP32/infer', `{"inputs":[{"name":"x","datatype":"FP32","shape":${shape},"data":[1]}]}`);

  it.each(['1.5', '"2"', 'null', 'true', '[2]', '{}', 'NaN', 'Infinity', '1e400', '-0.5', '1e-400'])(
    'F03: dimension %s',
    async (dimension) => {
      const answer = await send(`[1,${dimension}]`)(server());
      // Too small for a double, 1e-400 is 0, and 0 is legal: the data is then too long.
      const culprit = dimension === '1e-400' ? /input 'x' has shape \[1,0\]/ : /'shape'.*input 'x'/;
      expect(answer).toMatchObject({ status: 400, message: expect.stringMatching(culprit) as unknown });
    },
  );

  it.each(['null', '1', '"1,1"', '{"0":1}'])('F03: shape %s', async (shape) => {
    expect(await send(shape)(server())).toMatchObject({
      status: 400,
      message: expect.stringMatching(/'shape': input 'x'/) as unknown,
    });
  });

  it('F03: 100 000 dimensions', async () => {
    const ones = `[${Array.from({ length: 100_000 }, () => 1).join(',')}]`;
    expect(await send(ones)(server())).toMatchObject({
      status: 400,
      message: expect.stringMatching(/shape for input 'x'/) as unknown,
    });
  });

  it('F04: JSON data of a tensor without elements', async () => {
    const body = (data: string) => `{"inputs":[{"name":"x","datatype":"FP32","shape":[3,0],"data":${data}}]}`;
    for (const data of ['[]', '[[],[],[]]']) {
      const answer = await post('/v2/models/echo_FP32/infer', body(data))(server());
      expect(onlyOutput(answer)).toEqual({ name: 'y', datatype: 'FP32', shape: [3, 0], data: [] });
    }
  });
});
