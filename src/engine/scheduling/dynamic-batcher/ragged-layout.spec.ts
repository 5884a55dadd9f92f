import { describe, expect, it } from 'vitest';
import { bytes, fp32, int32, type NamedTensors, signature, Tensor } from '#core';
import { handleOf, requestOf } from '../../../../test/support/engine.js';
import { FakeExecutor } from '../../../../test/support/fake-executor.js';
import type { GeneratedInput, RaggedBatching } from '../../../core/model/scheduling.js';
import { FakeInferenceCall } from '../../../testing/fake-inference-call.js';
import { RaggedLayout } from './ragged-layout.js';

const members = (...inputs: readonly NamedTensors[]) =>
  inputs.map((each) => ({ request: requestOf({ inputs: each }), rows: Object.values(each)[0]?.shape[0] ?? 1 }));

const options = (parts: Partial<RaggedBatching> = {}): RaggedBatching => ({
  inputs: ['x'],
  generated: [],
  scattered: [],
  ...parts,
});

it('scatters by the sizes that an output has of its own, and by those of the input where it has none', () => {
  const layout = new RaggedLayout(options({ scattered: [{ output: 'y', source: 'x', shape: [-1, 1] }] }));
  const asked = members({ x: fp32.of([1, 2], [1, 2]) }, { x: fp32.of([2, 3], [3, 4, 5, 6, 7, 8]) });
  const part = layout.split('m', { name: 'y', tensor: fp32.of([3], [10, 20, 30]) }, asked);
  expect([part(0), part(1)]).toEqual([fp32.of([1, 1], [10]), fp32.of([2, 1], [20, 30])]);
});

describe('ragged requests', () => {
  it('have their elements strung together, and all other inputs merged by rows', () => {
    const merged = new RaggedLayout(options({ inputs: ['x', 't'] })).merge(
      members(
        { x: fp32.of([1, 2], [1, 2]), t: bytes.of([1, 1], ['a']), row: int32.of([1, 1], [7]) },
        { x: fp32.of([2, 3], [3, 4, 5, 6, 7, 8]), t: bytes.of([2, 1], ['b', 'c']), row: int32.of([2, 1], [8, 9]) },
      ),
    );
    expect({ ...merged }).toEqual({
      x: fp32.of([8], [1, 2, 3, 4, 5, 6, 7, 8]),
      t: bytes.of([3], ['a', 'b', 'c']),
      row: int32.of([3, 1], [7, 8, 9]),
    });
  });

  it('are of one kind whatever their shapes, but not with other inputs or other rows', () => {
    const layout = new RaggedLayout(options());
    const kind = (inputs: NamedTensors) => layout.kindOf(requestOf({ inputs }));
    const x = (length: number) => fp32.of([1, length], Array<number>(length).fill(0));
    expect(kind({ x: x(1) })).toBe(kind({ x: x(5) }));
    expect(kind({ x: x(1), row: x(1) })).not.toBe(kind({ x: x(1) }));
    expect(kind({ x: x(1), row: x(1) })).not.toBe(kind({ x: x(1), row: x(2) }));
  });

  // The values are those of the examples in the source of Triton's model_config.proto.
  it.each<[GeneratedInput['kind'], NamedTensors[], Tensor]>([
    ['element-count', [{ x: row(2) }, { x: row(3) }], int32.of([2], [2, 3])],
    ['accumulated-element-count', [{ x: row(2) }, { x: row(2) }], int32.of([2], [2, 4])],
    ['accumulated-element-count-with-zero', [{ x: row(2) }, { x: row(2) }], int32.of([3], [0, 2, 4])],
    ['max-element-count-as-shape', [{ x: row(2) }, { x: row(3) }], int32.of([3], [0, 0, 0])],
    ['item-shape', [{ x: rows(2, 3, 1) }, { x: rows(1, 2, 2) }], int32.of([3, 2], [3, 1, 3, 1, 2, 2])],
    ['item-shape-flatten', [{ x: rows(2, 3, 1) }, { x: rows(1, 2, 2) }], int32.of([6], [3, 1, 3, 1, 2, 2])],
  ])('come with %s', (kind, inputs, expected) => {
    const generated: GeneratedInput[] = [
      { kind, inputs: ['a', 'b'], datatype: 'INT32', source: 'x' },
      { kind, inputs: ['f'], datatype: 'FP32', source: 'x' },
    ];
    const { a, b, f } = new RaggedLayout(options({ generated })).merge(members(...inputs));
    expect([a, b]).toEqual([expected, expected]);
    expect(f).toEqual(new Tensor('FP32', expected.shape, Float32Array.from((expected as Tensor<'INT32'>).data)));
  });
});

describe('what a model gives for a ragged batch', () => {
  const shapes = signature({ inputs: { x: fp32(-1, -1) }, outputs: { y: fp32(-1, -1), rows: fp32(-1) } });
  const ragged = options({ scattered: [{ output: 'y', source: 'x', shape: [-1, -1] }] });

  function start() {
    const executor = new FakeExecutor();
    const batching = { maxSize: 8 };
    const { scheduler } = handleOf({ executor, signature: shapes, scheduling: { batching, ragged } });
    const send = (x: Tensor) => {
      const result = scheduler.enqueue(requestOf({ inputs: { x } }), new FakeInferenceCall());
      result.catch(() => undefined);
      return result;
    };
    return { executor, send };
  }

  const settled = (): Promise<void> => new Promise(setImmediate);

  it('is scattered over the requests by the shapes of their inputs', async () => {
    const { executor, send } = start();
    const results = [send(rows(1, 2)), send(rows(2, 3))];
    await settled();
    expect(executor.runs.map(({ inputs }) => inputs['x']?.shape)).toEqual([[8]]);
    executor.runs[0]?.finish({ y: fp32.of([8], [1, 2, 3, 4, 5, 6, 7, 8]), rows: fp32.of([3], [10, 20, 30]) });
    const responses = await Promise.all(results);
    expect(responses.map(({ outputs }) => outputs.map(({ tensor }) => [tensor.shape, [...tensor.data]]))).toEqual([
      [
        [
          [1, 2],
          [1, 2],
        ],
        [[1], [10]],
      ],
      [
        [
          [2, 3],
          [3, 4, 5, 6, 7, 8],
        ],
        [[2], [20, 30]],
      ],
    ]);
  });

  it('is refused where it is not enough for all', async () => {
    const { executor, send } = start();
    const result = send(rows(1, 2));
    await settled();
    executor.runs[0]?.finish({ y: fp32.of([3], [1, 2, 3]), rows: fp32.of([1], [1]) });
    await expect(result).rejects.toMatchObject({
      code: 'internal',
      message: "model 'm' returned output 'y' of 3 elements for requests of 2",
    });
  });
});

function rows(...shape: readonly number[]): Tensor {
  return fp32.of(shape, Array<number>(shape.reduce((product, size) => product * size)).fill(1));
}

function row(length: number): Tensor {
  return rows(1, length);
}
