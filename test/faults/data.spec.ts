import { describe, expect, it } from 'vitest';
import type { Datatype } from '#core';
import { datatypeInfo } from '../../src/core/tensor/datatype.js';
import { ALL_DATATYPES, echoModels, echoOf } from '../support/echo-models.js';
import { inferOver, onlyOutput, post, type SentTensor, WIRES } from '../support/wires.js';
import { surviving } from './survives.js';

/** F05 to F08: data that does not fill its shape. */

const server = surviving([...echoModels([-1]), ...echoModels([-1, -1], 'matrix')]);

const REFUSED = { grpc: 'INVALID_ARGUMENT', rest: 400 } as const;

const FIXED = ALL_DATATYPES.filter((datatype) => datatype !== 'BYTES');
const IN_JSON = FIXED.filter((datatype) => datatype !== 'FP16' && datatype !== 'BF16');

const tensor = (datatype: Datatype, contents: Partial<SentTensor>): SentTensor => ({
  name: 'x',
  datatype,
  shape: [3],
  ...contents,
});

const text = (...elements: readonly (readonly [length: number, bytes: string])[]): Buffer =>
  Buffer.concat(
    elements.map(([length, bytes]) => {
      const prefix = Buffer.alloc(4);
      prefix.writeUInt32LE(length);
      return Buffer.concat([prefix, Buffer.from(bytes)]);
    }),
  );

describe.each(WIRES)('%s', (wire) => {
  it.each(FIXED)('F05: fewer or more bytes than the shape, %s', async (datatype) => {
    const { size } = datatypeInfo(datatype);
    for (const elements of [0, 2, 4, 300]) {
      const inputs = [tensor(datatype, { raw: Buffer.alloc(elements * size) })];
      expect(await inferOver[wire](server(), { model: echoOf(datatype), inputs })).toMatchObject({
        status: REFUSED[wire],
        message: `input byte size mismatch for input 'x' for model '${echoOf(datatype)}'. Expected ${3 * size}, got ${elements * size}`,
      });
    }
  });

  it.each(IN_JSON)('F05: fewer or more values than the shape, %s', async (datatype) => {
    const { size } = datatypeInfo(datatype);
    for (const elements of [2, 4]) {
      const inputs = [
        tensor(datatype, { data: Array.from({ length: elements }, () => (datatype === 'BOOL' ? true : 1)) }),
      ];
      const message = {
        grpc: `Expected ${3 * size}, got ${elements * size}`,
        rest: `input 'x' has shape [3], expected 3 elements, got ${elements}`,
      };
      expect(await inferOver[wire](server(), { model: echoOf(datatype), inputs })).toMatchObject({
        status: REFUSED[wire],
        message: expect.stringContaining(message[wire]) as unknown,
      });
    }
  });

  it('F05: fewer or more texts than the shape', async () => {
    for (const data of [
      ['a', 'b'],
      ['a', 'b', 'c', 'd'],
    ]) {
      expect(
        await inferOver[wire](server(), { model: 'echo_BYTES', inputs: [tensor('BYTES', { data })] }),
      ).toMatchObject({
        status: REFUSED[wire],
        message: expect.stringMatching(new RegExp(`(?=.*input 'x').* ${data.length}`)) as unknown,
      });
    }
  });

  it.each(FIXED.filter((datatype) => datatypeInfo(datatype).size > 1))(
    'F07: bytes that are no whole number of elements, %s',
    async (datatype) => {
      const { size } = datatypeInfo(datatype);
      for (const bytes of [1, 3 * size - 1, 3 * size + 1]) {
        const inputs = [tensor(datatype, { raw: Buffer.alloc(bytes) })];
        expect(await inferOver[wire](server(), { model: echoOf(datatype), inputs })).toMatchObject({
          status: REFUSED[wire],
          message: `input byte size mismatch for input 'x' for model '${echoOf(datatype)}'. Expected ${3 * size}, got ${bytes}`,
        });
      }
    },
  );

  it.each([
    [
      'a length past the end',
      text([1, 'a'], [1, 'b'], [2, 'c']),
      /^incomplete string data .*'x'.* length 2 but only 1 /,
    ],
    [
      'a length of 4 GiB - 1',
      text([0xffff_ffff, 'abc']),
      /^incomplete string data .*'x'.* length 4294967295 but only 3 /,
    ],
    [
      'a length cut off',
      text([1, 'a'], [1, 'b']).subarray(0, 8),
      /^incomplete string length indicator .*'x'.* only 3 bytes/,
    ],
    ['a single byte', Buffer.of(1), /^incomplete string length indicator .*'x'.* only 1 bytes/],
    ['no bytes', Buffer.alloc(0), /^expected 3 string elements .*'x'.* got 0$/],
    ['too few elements', text([1, 'a'], [1, 'b']), /^expected 3 string elements .*'x'.* got 2$/],
    [
      'too many elements',
      text([1, 'a'], [1, 'b'], [1, 'c'], [1, 'd']),
      /^unexpected number of string elements 4 .*'x'.* expecting 3$/,
    ],
    [
      'a million empty elements',
      Buffer.alloc(4_000_000),
      /^unexpected number of string elements 4 .*'x'.* expecting 3$/,
    ],
  ])('F08: %s', async (_, raw, message) => {
    const inputs = [tensor('BYTES', { raw })];
    expect(await inferOver[wire](server(), { model: 'echo_BYTES', inputs })).toMatchObject({
      status: REFUSED[wire],
      message: expect.stringMatching(message) as unknown,
    });
  });
});

describe('rest', () => {
  const send = (data: string) =>
    post('/v2/models/matrix_INT32/infer', `{"inputs":[{"name":"x","datatype":"INT32","shape":[2,2],"data":${data}}]}`);

  it.each([
    '[[1,2],[3]]',
    '[[1],[2,3,4]]',
    '[1,[2,3],4]',
    '[[1,2],3,4]',
    '[[1,2],[3,[4]]]',
    '[[],[1,2,3,4]]',
    '[[1,2],[3,4],[]]',
  ])('F06: ragged %s', async (data) => {
    expect(await send(data)(server())).toMatchObject({
      status: 400,
      message: expect.stringMatching(/input 'x' is ragged/) as unknown,
    });
  });

  it.each(['[1,2,3,4]', '[[1,2],[3,4]]', '[[1,2,3,4]]', '[[1],[2],[3],[4]]', '[[[[1,2]],[[3,4]]]]'])(
    'F06: rectangular %s is read row by row',
    async (data) => {
      expect(onlyOutput(await send(data)(server()))).toMatchObject({ shape: [2, 2], data: [1, 2, 3, 4] });
    },
  );

  it.each(['"1,2,3,4"', '{"0":1}', 'null', 'true', '[[1,2],[3,null]]', '[[1,2],[3,{}]]'])(
    'F06: data %s',
    async (data) => {
      expect(await send(data)(server())).toMatchObject({
        status: 400,
        message: expect.stringMatching(/input 'x'/) as unknown,
      });
    },
  );
});
