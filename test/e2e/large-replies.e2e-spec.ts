import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signature, uint8 } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { inferOver, onlyOutput, WIRES } from '../support/wires.js';

/** The memory of large replies is used again: nobody may ever see what was meant for somebody else. */

const bytes = signature({ inputs: { x: uint8(-1) }, outputs: { y: uint8(-1) } });
const echo = defineModel('echo', bytes, ({ x }) => ({ y: x }));

const MIB = 1024 * 1024;
let server: TestServer;

beforeAll(async () => {
  server = await serve(echo);
});

afterAll(() => server.close());

describe.each(WIRES)('large replies, %s', (wire) => {
  it('are their own callers’, however many are written at a time', async () => {
    for (let round = 0; round < 4; round++) {
      const sent = Array.from({ length: 8 }, (_, index) => {
        return Buffer.alloc(MIB + (round + index) * 100_003, 1 + round * 8 + index);
      });
      const answers = await Promise.all(
        sent.map((raw) => {
          const inputs = [{ name: 'x', datatype: 'UINT8', shape: [raw.length], raw }];
          return inferOver[wire](server, { model: 'echo', inputs, binary: true });
        }),
      );
      for (const [index, answer] of answers.entries()) {
        expect(onlyOutput(answer).raw?.equals(sent[index] ?? Buffer.alloc(0))).toBe(true);
      }
    }
  });
});
