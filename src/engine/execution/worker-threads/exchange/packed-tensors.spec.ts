import { describe, expect, it } from 'vitest';
import { bool, bytes, fp16, fp32, int64, uint8 } from '../../../../core/tensor/kinds.js';
import { type NamedTensors, namedTensors, Tensor } from '../../../../core/tensor/tensor.js';
import { packInputs, packOutputs, type Parcel, unpackTensors } from './packed-tensors.js';

declare const WebAssembly: { readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer } };

/** Goes over as a message between threads does. */
function send({ tensors, moved }: Parcel): NamedTensors {
  return unpackTensors(structuredClone(tensors, { transfer: moved }));
}

/** Made anew each time: what was sent is gone. */
const every = (): NamedTensors => ({
  f: fp32.of([2, 2], [1, -0, NaN, Infinity]),
  h: fp16.of([2], [0.5, 2]),
  i: int64.of([2], [-(2n ** 63n), 1n]),
  u: uint8.of([0], []),
  b: bool.of([], [true]),
  t: bytes.of([3], ['', 'text', Uint8Array.of(0, 255)]),
  n: bytes.of([0], []),
});

describe.each([
  ['inputs', packInputs],
  ['outputs', (tensors: NamedTensors) => packOutputs('m', tensors)],
])('%s', (_, pack) => {
  it('come over with their classes, shapes and every bit', () => {
    const sent = send(pack(every()));
    expect(sent).toEqual(every());
    for (const tensor of Object.values(sent)) expect(tensor).toBeInstanceOf(Tensor);
    expect(sent['t']?.data).toEqual([expect.any(Buffer), expect.any(Buffer), expect.any(Buffer)]);
  });

  it('may have any name', () => {
    const named = (): NamedTensors => {
      const tensors = namedTensors();
      for (const name of ['__proto__', 'constructor', '10', '2']) tensors[name] = fp32.of([1], [1]);
      return tensors;
    };
    expect(send(pack(named()))).toEqual(named());
  });

  it('take no more along than they are', () => {
    const large = new Float32Array(10_000).fill(7);
    const { moved } = pack({ f: fp32.of([2], large.subarray(5, 7)), t: bytes.of([1], [Buffer.from('pooled')]) });
    expect(moved.map(({ byteLength }) => byteLength)).toEqual([8, 6, 4]);
    expect(large).toHaveLength(10_000);
  });
});

describe('inputs', () => {
  it('are copied: others may read them still', () => {
    const x = fp32.of([2], [1, 2]);
    expect(send(packInputs({ x }))).toEqual({ x: fp32.of([2], [1, 2]) });
    expect(x.data).toEqual(Float32Array.of(1, 2));
  });

  it('that are Buffers become plain bytes', () => {
    const x = new Tensor('UINT8', [3], Buffer.from([1, 2, 3]));
    expect(send(packInputs({ x }))['x']?.data).toEqual(Uint8Array.of(1, 2, 3));
  });

  it('that were left out stay out', () => {
    expect(send(packInputs({ x: undefined } as never))).toEqual({});
  });
});

describe('outputs', () => {
  it.each([2, 16_384, 32_768])('of %i floats are moved, not copied', (length) => {
    const y = fp32.of([length], new Float32Array(length).fill(3));
    const sent = send(packOutputs('m', { y }));
    expect(sent['y']?.data).toEqual(new Float32Array(length).fill(3));
    expect(y.data).toHaveLength(0);
  });

  it.each([2, 16_384])('that are views of the same %i floats come over all', (length) => {
    const data = new Float32Array(length).fill(3);
    const part = new Float32Array(data.buffer, 4, 1);
    const sent = send(
      packOutputs('m', { a: fp32.of([length], data), b: fp32.of([length], data), c: fp32.of([1], part) }),
    );
    expect([sent['a']?.data, sent['b']?.data, sent['c']?.data]).toEqual([data, data, part]);
  });

  it('in memory that is shared between threads, or belongs to WebAssembly, are copied', () => {
    const shared = new Float32Array(new SharedArrayBuffer(8)).fill(2);
    const wasm = new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer);
    const sent = send(packOutputs('m', { s: fp32.of([2], shared), w: uint8.of([65_536], wasm) }));
    expect(sent['s']?.data).toEqual(Float32Array.of(2, 2));
    expect(sent['w']?.data).toEqual(new Uint8Array(65_536));
    expect([shared.length, wasm.length]).toEqual([2, 65_536]);
  });

  it('whose memory has gone over already are refused, naming model and output', () => {
    const y = fp32.of([1], [1]);
    send(packOutputs('m', { y }));
    expect(() => packOutputs('m', { y })).toThrow(
      "model 'm' returned output 'y' whose memory went over with an earlier response: return a fresh tensor",
    );
  });

  it('that are no tensors come over as null, for the signature to refuse', () => {
    expect(send(packOutputs('m', { y: 7, z: null, f: () => 1, l: { datatype: 'FP32', shape: [], data: [] } }))).toEqual(
      {
        y: null,
        z: null,
        f: null,
        l: null,
      },
    );
  });
});
