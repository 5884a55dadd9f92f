import { describe, expect, it } from 'vitest';
import { giveBuffer, takeBuffer } from './large-buffers.js';

const MIB = 1024 * 1024;

describe('large buffers', () => {
  it('are of the size that was asked for', () => {
    expect([0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 7].map((size) => takeBuffer(size).byteLength)).toEqual([
      0,
      1,
      MIB - 1,
      MIB,
      MIB + 1,
      5 * MIB + 7,
    ]);
  });

  it('are given out again, to one taker at a time', () => {
    const first = takeBuffer(3 * MIB);
    giveBuffer(first);
    const second = takeBuffer(2.5 * MIB);
    expect(second.buffer === first.buffer).toBe(true);
    expect(takeBuffer(2.5 * MIB).buffer === second.buffer).toBe(false);
  });

  it('are given out again however often', () => {
    for (let round = 0; round < 30; round++) giveBuffer(takeBuffer(5 * MIB));
    const last = takeBuffer(5 * MIB);
    giveBuffer(last);
    expect(takeBuffer(5 * MIB).buffer === last.buffer).toBe(true);
  });

  it('are not taken for larger ones', () => {
    giveBuffer(takeBuffer(6 * MIB));
    expect(takeBuffer(7 * MIB).byteLength).toBe(7 * MIB);
    takeBuffer(6 * MIB);
  });

  it('are not spent on much smaller ones, and small ones are not kept', () => {
    const large = takeBuffer(9 * MIB);
    giveBuffer(large);
    expect(takeBuffer(2 * MIB).buffer === large.buffer).toBe(false);
    takeBuffer(9 * MIB);
    // They would take the room of the large ones.
    for (let given = 0; given < 70; given++) giveBuffer(takeBuffer(MIB - 1));
    giveBuffer(large);
    expect(takeBuffer(9 * MIB).buffer === large.buffer).toBe(true);
  });

  it('are kept up to a bound', () => {
    const many = Array.from({ length: 12 }, () => takeBuffer(20 * MIB));
    for (const buffer of many) giveBuffer(buffer);
    const memory = new Set(many.map(({ buffer }) => buffer));
    const again = Array.from({ length: 12 }, () => takeBuffer(20 * MIB).buffer);
    expect(again.filter((buffer) => memory.has(buffer)).length).toBeLessThanOrEqual(3);
  });
});
