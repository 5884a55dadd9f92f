import { describe, expect, it } from 'vitest';
import { assertTransition, type ModelState } from './model-state.js';

const STATES: Readonly<Record<ModelState['kind'], ModelState>> = {
  loading: { kind: 'loading' },
  ready: { kind: 'ready' },
  unloading: { kind: 'unloading' },
  unavailable: { kind: 'unavailable', reason: 'no file' },
};

/** Every step that there is. `ready -> ready` is a reload. */
const STEPS = new Set([
  'loading -> ready',
  'loading -> unavailable',
  'ready -> ready',
  'ready -> unloading',
  'unloading -> unavailable',
  'unavailable -> loading',
]);

const pairs = Object.values(STATES).flatMap((from) => Object.values(STATES).map((to) => [from, to] as const));

describe('the lifecycle of a version', () => {
  it.each(pairs)('$0.kind -> $1.kind', (from, to) => {
    const step = () => assertTransition(from, to);
    if (STEPS.has(`${from.kind} -> ${to.kind}`)) expect(step).not.toThrow();
    else expect(step).toThrow(`a model cannot go from ${from.kind} to ${to.kind}`);
  });
});
