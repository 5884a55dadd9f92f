import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LiveSet } from './live-set.js';

it('holds what was added and not deleted, each once', () => {
  const step = fc.record({ add: fc.boolean(), which: fc.nat(9) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const members = Array.from({ length: 10 }, (_, name) => ({ name, place: -1 }));
      const live = new LiveSet<(typeof members)[number]>();
      const model = new Set<(typeof members)[number]>();
      for (const { add, which } of steps) {
        const member = members[which];
        if (member === undefined) continue;
        if (add) live.add(member);
        else live.delete(member);
        if (add) model.add(member);
        else model.delete(member);
        expect(live.size).toBe(model.size);
        expect(new Set(live.snapshot())).toEqual(model);
      }
    }),
  );
});
