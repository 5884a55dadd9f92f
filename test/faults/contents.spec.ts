import { describe, expect, it } from 'vitest';
import { type Datatype, bf16, fp16, fp32, signature } from '#core';
import { defineModel } from '#testing';
import { DATATYPES, type TypedField } from '../../src/core/tensor/datatype.js';
import { ALL_DATATYPES, echoModels, echoOf } from '../support/echo-models.js';
import { type Answer, inferOver, onlyOutput, rpc } from '../support/wires.js';
import { surviving } from './survives.js';

/** F09 to F11: contents in the wrong field, in two places, or in a form that the wire does not have. */

const narrow = signature({ inputs: { x: fp32(-1) }, outputs: { half: fp16(-1), brain: bf16(-1) } });
const Narrow = defineModel('narrow', narrow, ({ x }) => ({
  half: fp16.of(x.shape, x.data),
  brain: bf16.of(x.shape, x.data),
}));

const pair = signature({ inputs: { a: fp32(2), b: fp32(2) }, outputs: { y: fp32(2) } });
const Pair = defineModel('pair', pair, ({ a }) => ({ y: a }));

const server = surviving([...echoModels([-1]), Narrow, Pair]);

const FIELDS: Readonly<Record<TypedField, unknown>> = {
  bool_contents: true,
  int_contents: 1,
  int64_contents: '1',
  uint_contents: 1,
  uint64_contents: '1',
  fp32_contents: 1,
  fp64_contents: 1,
  bytes_contents: Buffer.from('1'),
};

describe('grpc', () => {
  const typed = { contents: { fp32_contents: [1, 2] } };
  const raw = Buffer.alloc(8);
  const input = (name: string, extra: object = {}) => ({ name, datatype: 'FP32', shape: ['2'], ...extra });

  it.each([
    ['no contents at all', [input('a'), input('b')], [], /input tensor 'a' for model 'pair'/],
    ['the second input has none', [input('a', typed), input('b')], [], /input tensor 'b' for model 'pair'/],
    ['empty contents', [input('a', typed), input('b', { contents: {} })], [], /input tensor 'b' for model 'pair'/],
    ['one raw content for two inputs', [input('a'), input('b')], [raw], /input tensor 'b' for model 'pair'/],
    [
      'three raw contents for two inputs',
      [input('a'), input('b')],
      [raw, raw, raw],
      /3 entries for 2 inputs of model 'pair'/,
    ],
    ['raw contents for no inputs', [], [raw], /1 entries for 0 inputs of model 'pair'/],
    ['the first typed, the second raw', [input('a', typed), input('b')], [raw], /for 'a' for model 'pair'/],
    ['the first raw, the second typed', [input('a'), input('b', typed)], [raw], /for 'b' for model 'pair'/],
    ['both ways for both', [input('a', typed), input('b', typed)], [raw, raw], /for 'a' for model 'pair'/],
  ])('F09: %s', async (_, inputs, raw_input_contents, message) => {
    const send = rpc('ModelInfer', { model_name: 'pair', inputs, raw_input_contents });
    expect(await send(server())).toMatchObject({
      status: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message) as unknown,
    });
  });

  it.each(ALL_DATATYPES)('F10: every typed field but its own for %s', async (datatype) => {
    for (const [field, value] of Object.entries(FIELDS)) {
      if (field === DATATYPES[datatype].field) continue;
      const answer = await inferTyped(datatype, { [field]: [value] });
      const message = isHalf(datatype) && field === 'bytes_contents' ? /'x'.*Expected 2, got 1/ : /'x'.*type/;
      expect(answer).toMatchObject({
        status: 'INVALID_ARGUMENT',
        message: expect.stringMatching(message) as unknown,
      });
      expect(answer.message).toContain(`'${echoOf(datatype)}'`);
    }
  });

  it.each(ALL_DATATYPES)('F10: its own typed field and another for %s', async (datatype) => {
    const own = DATATYPES[datatype].field ?? 'bytes_contents';
    const other = own === 'fp32_contents' ? 'int_contents' : 'fp32_contents';
    expect(await inferTyped(datatype, { [own]: [FIELDS[own]], [other]: [FIELDS[other]] })).toMatchObject({
      status: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/'x'.*are both set/) as unknown,
    });
  });

  it.each(['FP16', 'BF16'] as const)('F11: %s takes one entry of raw bytes and nothing else', async (datatype) => {
    const bits = Buffer.from(Uint16Array.of(0x3c00, 0x4000).buffer);
    const shape = ['2'];
    expect(onlyOutput(await inferTyped(datatype, { bytes_contents: [bits] }, shape)).raw).toEqual(bits);
    expect(
      await inferTyped(datatype, { bytes_contents: [bits.subarray(0, 2), bits.subarray(2)] }, shape),
    ).toMatchObject({
      status: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/input 'x' .*one entry of bytes_contents.*got 2 entries/) as unknown,
    });
    expect(await inferTyped(datatype, { fp32_contents: [1, 2] }, shape)).toMatchObject({
      status: 'INVALID_ARGUMENT',
      message: expect.stringMatching(new RegExp(`'x'.* of type 'FP32', expected datatype '${datatype}'`)) as unknown,
    });
  });

  const inferTyped = (datatype: Datatype, contents: object, shape: readonly string[] = ['1']): Promise<Answer> =>
    rpc('ModelInfer', {
      model_name: echoOf(datatype),
      inputs: [{ name: 'x', datatype, shape, contents }],
    })(server());
});

describe('rest', () => {
  it.each(['FP16', 'BF16'] as const)('F11: %s in JSON is refused', async (datatype) => {
    for (const data of [[1], ['PAA='], []]) {
      const inputs = [{ name: 'x', datatype, shape: [data.length], data }];
      expect(await inferOver.rest(server(), { model: echoOf(datatype), inputs })).toMatchObject({
        status: 400,
        message: `receiving ${datatype} data via JSON is not supported. Please use the binary data format for input x`,
      });
    }
  });

  it.each([
    ['FP16', 'half'],
    ['BF16', 'brain'],
  ] as const)('F11: %s out needs binary data', async (datatype, output) => {
    const request = {
      model: 'narrow',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [2], data: [1, 2] }],
      outputs: [output],
    };
    expect(await inferOver.rest(server(), request)).toMatchObject({
      status: 400,
      message: `sending ${datatype} data via JSON is not supported. Please use the binary data format for output ${output}`,
    });
    expect(onlyOutput(await inferOver.rest(server(), { ...request, binary: true }))).toMatchObject({
      datatype,
      raw: Buffer.from(Uint16Array.of(...(datatype === 'FP16' ? [0x3c00, 0x4000] : [0x3f80, 0x4000])).buffer),
    });
  });
});

const isHalf = (datatype: Datatype): boolean => datatype === 'FP16' || datatype === 'BF16';
