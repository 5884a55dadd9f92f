import type { Tensor } from '../../../core/tensor/tensor.js';

/** The elements of a BOOL or integer tensor as protobuf packs them: varints, negative ones in ten bytes. */
export function packVarints(tensor: Tensor): Uint8Array {
  const words = wordsOf(tensor);
  let size = 0;
  for (let at = 0; at < words.length; at += 2) size += varintBytes(words[at] ?? 0, words[at + 1] ?? 0);
  const packed = new Uint8Array(size);
  let position = 0;
  for (let at = 0; at < words.length; at += 2) {
    let low = words[at] ?? 0;
    let high = words[at + 1] ?? 0;
    while (high !== 0 || low >= 0x80) {
      packed[position++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    packed[position++] = low;
  }
  return packed;
}

/** Each element as 64 bits in two's complement: the lower word, then the upper one. */
function wordsOf({ datatype, data }: Tensor): Uint32Array {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return new Uint32Array(data.buffer, data.byteOffset, 2 * data.length);
  }
  const words = new Uint32Array(2 * data.length);
  for (let index = 0; index < data.length; index++) {
    const value = Number(data[index]);
    words[2 * index] = datatype === 'BOOL' ? +(value !== 0) : value;
    words[2 * index + 1] = value < 0 ? 0xffff_ffff : 0;
  }
  return words;
}

const varintBytes = (low: number, high: number): number =>
  Math.ceil((high === 0 ? 32 - Math.clz32(low | 1) : 64 - Math.clz32(high)) / 7);
