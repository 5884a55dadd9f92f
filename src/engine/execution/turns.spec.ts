import { expect, it } from 'vitest';
import { Deferred } from '../../testing/deferred.js';
import { Turns } from './turns.js';

it('runs so many at once, and the next when one has ended, whether well or not', async () => {
  const turns = new Turns(2);
  const gates = Array.from({ length: 4 }, () => new Deferred());
  const started: number[] = [];
  const ended = gates.map((gate, index) =>
    turns.take(async () => {
      started.push(index);
      await gate.promise;
    }),
  );
  expect(started).toEqual([0, 1]);
  gates[1]?.resolve();
  await ended[1];
  expect(started).toEqual([0, 1, 2]);
  gates[0]?.reject(new Error('no file'));
  await expect(ended[0]).rejects.toThrow('no file');
  expect(started).toEqual([0, 1, 2, 3]);
  gates[2]?.resolve();
  gates[3]?.resolve();
  await Promise.all([ended[2], ended[3]]);
  expect(await turns.take(() => Promise.resolve(7))).toBe(7);
});
