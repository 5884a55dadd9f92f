import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReceivedBody } from './received-body.js';

describe('ReceivedBody', () => {
  it('gives what has come, however it was cut, its binary data aligned', () => {
    const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 30 });
    fc.assert(
      fc.property(parts, fc.boolean(), fc.nat({ max: 99 }), (sent, declares, jsonLength) => {
        const whole = Buffer.concat(sent);
        const body = new ReceivedBody(declares ? whole.length : 0, jsonLength);
        for (const part of sent) body.add(Buffer.from(part));
        expect(body.end().equals(whole)).toBe(true);
        expect([body.length, body.parts]).toEqual([whole.length, sent.length]);
        if (sent.length > 1) expect((body.end().byteOffset + jsonLength) % 8).toBe(0);
      }),
    );
  });

  it('keeps no parts of a length that was declared, once enough of it has come', () => {
    const body = new ReceivedBody(16, 0);
    for (const text of ['a', 'b', 'cdef', 'ghijklmnop']) {
      const part = Buffer.from(text);
      body.add(part);
      // Those that are kept show it.
      part.fill('!');
    }
    expect(String(body.end())).toBe('!bcdefghijklmnop');
  });

  it('takes no memory for a length that is only declared', () => {
    const body = new ReceivedBody(Number.MAX_SAFE_INTEGER, 0);
    expect(() => body.add(Buffer.alloc(65_536))).not.toThrow();
  });
});
