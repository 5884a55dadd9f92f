import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageAssembler, PREFIX_BYTES } from './message-assembler.js';

function frameOf(contents: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix[0] = flag;
  prefix.writeUInt32BE(contents.length, 1);
  return Buffer.concat([prefix, contents]);
}

it('gives every message back, wherever it was cut', () => {
  const message = fc.tuple(fc.uint8Array({ maxLength: 5_000 }), fc.constantFrom(0, 1));
  const cuts = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), cuts, (messages, sizes) => {
      const frames = messages.map(([contents, flag]) => frameOf(contents, flag));
      const sent = Buffer.concat(frames);
      const assembler = new MessageAssembler(-1);
      const got: Buffer[] = [];
      for (let at = 0, cut = 0; at < sent.length; cut++) {
        const size = sizes[cut % sizes.length] ?? 1;
        // What is brought is not kept by who brings it.
        got.push(...assembler.write(Buffer.from(sent.subarray(at, at + size))));
        at += size;
      }
      expect(got).toEqual(frames);
    }),
  );
});

it('ends each message on a boundary of 8 bytes', () => {
  const assembler = new MessageAssembler(-1);
  for (let length = 0; length < 40; length++) {
    const [message] = assembler.write(frameOf(new Uint8Array(length)));
    expect(((message?.byteOffset ?? 1) + (message?.byteLength ?? 0)) % 8).toBe(0);
  }
});

describe('a message that is too long', () => {
  it('is refused by its prefix, also when that comes byte by byte', () => {
    const assembler = new MessageAssembler(10);
    const prefix = frameOf(new Uint8Array(11)).subarray(0, PREFIX_BYTES);
    for (const byte of prefix.subarray(0, -1)) expect(assembler.write(Buffer.of(byte))).toEqual([]);
    expect(() => assembler.write(prefix.subarray(-1))).toThrow('Received message larger than max (11 vs 10)');
  });

  it('is refused however long it says that it is', () => {
    const longest = Buffer.of(0, 0xff, 0xff, 0xff, 0xff);
    expect(() => new MessageAssembler(10).write(longest)).toThrow('larger than max (4294967295 vs 10)');
  });

  it('is one byte longer than one that is not', () => {
    expect(new MessageAssembler(10).write(frameOf(new Uint8Array(10)))).toHaveLength(1);
    expect(() => new MessageAssembler(10).write(frameOf(new Uint8Array(11)))).toThrow('(11 vs 10)');
  });
});
