import fc from 'fast-check';
import { expect, it } from 'vitest';
import { GatheredBytes } from './gathered-bytes.js';

it('gives what has come, however it was cut, whatever was told before', () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 30 });
  fc.assert(
    fc.property(parts, fc.boolean(), fc.nat({ max: 99 }), (sent, told, aligned) => {
      const whole = Buffer.concat(sent);
      const gathered = new GatheredBytes(told ? whole.length : 0, aligned);
      for (const part of sent) {
        gathered.add(part);
        // What is brought is not kept.
        part.fill(0);
      }
      expect(gathered.end().equals(whole)).toBe(true);
      if (whole.length > 0) expect((gathered.end().byteOffset + aligned) % 8).toBe(0);
    }),
  );
});

it('keeps what has come where it grows', () => {
  const part = Buffer.from(Uint8Array.from({ length: 50_000 }, (_, index) => index % 251));
  for (const expected of [0, 50_000 * 300]) {
    const gathered = new GatheredBytes(expected, 0);
    for (let index = 0; index < 300; index++) gathered.add(part);
    expect(gathered.end().equals(Buffer.concat(Array<Buffer>(300).fill(part)))).toBe(true);
  }
});

it('takes no memory for a length that is only told', () => {
  const gathered = new GatheredBytes(Number.MAX_SAFE_INTEGER, 0);
  gathered.add(Buffer.alloc(1_024));
  expect(gathered.end().buffer.byteLength).toBeLessThanOrEqual(128 * 1_024);
});

it.each([4, 8])('does not move a tensor of %i MiB with what stands before it, as sockets bring it', (mebibytes) => {
  const expected = mebibytes * 1_048_576 + 200;
  const gathered = new GatheredBytes(expected, 0);
  const places = new Set<ArrayBufferLike>();
  for (let left = expected; left > 0; left -= 65_536) {
    gathered.add(Buffer.alloc(Math.min(left, 65_536)));
    places.add(gathered.end().buffer);
  }
  expect(places.size).toBe(1);
});

it('seldom moves what has come where nobody has told how much will', () => {
  const gathered = new GatheredBytes(0, 0);
  const places = new Set<ArrayBufferLike>();
  for (let index = 0; index < 1_000; index++) {
    gathered.add(Buffer.alloc(10_000));
    places.add(gathered.end().buffer);
  }
  expect(places.size).toBeLessThan(12);
});
