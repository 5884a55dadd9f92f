import { describe, expect, it } from 'vitest';
import { loadOrder } from './load-order.js';

const orderOf = (names: readonly string[], graph: Readonly<Record<string, readonly string[]>>) =>
  loadOrder(names, (name) => graph[name] ?? []);

describe('the order of loads', () => {
  it('puts models behind those that they depend on, which are loaded too', () => {
    expect(orderOf(['top', 'other'], { top: ['left', 'right'], left: ['base'], right: ['base'] })).toEqual([
      { name: 'base', after: [] },
      { name: 'left', after: ['base'] },
      { name: 'right', after: ['base'] },
      { name: 'top', after: ['left', 'right'] },
      { name: 'other', after: [] },
    ]);
  });

  it('ends where models depend on each other, or on themselves', () => {
    expect(orderOf(['a'], { a: ['b'], b: ['c'], c: ['a', 'c'] })).toEqual([
      { name: 'c', after: [] },
      { name: 'b', after: ['c'] },
      { name: 'a', after: ['b'] },
    ]);
  });

  it('names each model once', () => {
    expect(orderOf(['a', 'b', 'a'], { b: ['a'] }).map(({ name }) => name)).toEqual(['a', 'b']);
  });
});
