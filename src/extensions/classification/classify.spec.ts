import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fp32, fp64 } from '#core';
import { FakeInferenceCall } from '../../testing/fake-inference-call.js';
import { classText } from './class-text.js';
import { classify } from './classify.js';
import { descending } from './descending.js';

describe('a value', () => {
  // As printf of C writes it.
  it.each([
    [0, '0.000000'],
    [-0, '-0.000000'],
    [-1e-9, '-0.000000'],
    [3.3, '3.300000'],
    [0.1, '0.100000'],
    [1 / 128, '0.007812'],
    [3 / 128, '0.023438'],
    [-1 / 128, '-0.007812'],
    [5 / 128, '0.039062'],
    [123456789.125, '123456789.125000'],
    [2 ** 53, '9007199254740992.000000'],
    [1e21, '1000000000000000000000.000000'],
    [-1.5e300, `-${BigInt(1.5e300)}.000000`],
    [Infinity, 'inf'],
    [-Infinity, '-inf'],
    [Number.NaN, 'nan'],
  ])('of %s is written %s', (value, text) => {
    expect(classText('FP64', value, 4)).toBe(`${text}:4`);
  });

  it('of FP32 is that of the nearest double', () => {
    expect(classText('FP32', Math.fround(16777216.1), 0)).toBe('16777216.000000:0');
  });

  it('of an integer has no decimals', () => {
    expect(classText('INT64', -(2n ** 63n), 1)).toBe('-9223372036854775808:1');
    expect(classText('UINT8', 255, 2, 'red: dark')).toBe('255:2:red: dark');
  });
});

describe('the order', () => {
  const byValue = (values: ArrayLike<number>) =>
    Array.from(values, (value, index) => ({ value, index }))
      .sort((one, other) => {
        if (Number.isNaN(one.value) || Number.isNaN(other.value)) {
          return Number(Number.isNaN(one.value)) - Number(Number.isNaN(other.value)) || one.index - other.index;
        }
        return other.value > one.value ? 1 : other.value < one.value ? -1 : one.index - other.index;
      })
      .map(({ index }) => index);

  it('is that of all values, from the largest on', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.double(), fc.integer({ min: 0, max: 3 }))), fc.nat(40), (values, count) => {
        const data = Float64Array.from(values);
        expect([...descending(data, count)]).toEqual(byValue(data).slice(0, count));
      }),
    );
  });

  it('is exact for 64-bit integers', () => {
    expect([...descending(BigInt64Array.of(2n ** 53n, 2n ** 53n + 1n, -1n), 2)]).toEqual([1, 0]);
  });
});

describe('many classes', () => {
  const width = 20_000;
  const output = {
    name: 'y',
    tensor: fp64.of(
      [width],
      Float64Array.from({ length: width }, (_, index) => index),
    ),
  };
  const options = (call = new FakeInferenceCall()) => ({
    count: width,
    labels: undefined,
    hasBatchDimension: false,
    call,
  });

  it('let the event loop have its turns', async () => {
    let turns = 0;
    let done = false;
    const turn = (): void => {
      turns++;
      if (!done) setImmediate(turn);
    };
    setImmediate(turn);
    const { shape } = await classify(output, options());
    done = true;
    expect(shape).toEqual([width]);
    expect(turns).toBeGreaterThanOrEqual(9);
  });

  it('are given up when their caller goes', async () => {
    const call = new FakeInferenceCall();
    const pending = classify(output, options(call));
    call.abort();
    await expect(pending).rejects.toMatchObject({ code: 'cancelled' });
  });
});

it('has no classes where there are no rows, or no values', async () => {
  const call = new FakeInferenceCall();
  const none = (shape: number[], hasBatchDimension: boolean) =>
    classify({ name: 'y', tensor: fp32.of(shape, []) }, { count: 3, labels: [], hasBatchDimension, call });
  expect((await none([0, 4], true)).shape).toEqual([0, 3]);
  expect((await none([2, 0], true)).shape).toEqual([2, 0]);
  expect((await none([0], false)).shape).toEqual([0]);
});
