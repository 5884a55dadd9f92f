import { expect, it } from 'vitest';
import { parseModelRateLimits, parseRateLimits } from './rate-limits.js';

it('reads counts, units and bursts', () => {
  const limits = parseRateLimits(['inference=100/s', 'model-repository=30/m:5', 'trace=36/h', '*=1000/s:2000']);
  expect([...limits]).toEqual([
    ['inference', { text: 'inference=100/s', capacity: 100, perMs: 0.1 }],
    ['model-repository', { text: 'model-repository=30/m:5', capacity: 5, perMs: 0.0005 }],
    ['trace', { text: 'trace=36/h', capacity: 36, perMs: 0.00001 }],
    ['*', { text: '*=1000/s:2000', capacity: 2000, perMs: 1 }],
  ]);
  expect(parseRateLimits([]).size).toBe(0);
});

it.each([
  ['inference', 'malformed'],
  ['inference=100', 'malformed'],
  ['inference=0/s', 'malformed'],
  ['inference=5/s:0', 'malformed'],
  ['inference=-5/s', 'malformed'],
  ['inference=5/d', 'malformed'],
  ['inference=1e3/s', 'malformed'],
  ['inferense=5/s', "'inferense' is no family of operations: use * or health, metadata"],
])('refuses %s', (entry, problem) => {
  expect(() => parseRateLimits([entry])).toThrow(problem);
});

it('tells all problems, and refuses a family that stands twice', () => {
  expect(() => parseRateLimits(['inference=1/s', 'inference=2/s', 'x'])).toThrow(/'inference' stands twice.*\n.*'x'/);
});

it('reads those of models, by any name', () => {
  expect([...parseModelRateLimits(['resnet_50.v2=100/s:150', '*=36/h'])]).toEqual([
    ['resnet_50.v2', { text: 'resnet_50.v2=100/s:150', capacity: 150, perMs: 0.1 }],
    ['*', { text: '*=36/h', capacity: 36, perMs: 0.00001 }],
  ]);
  expect(() => parseModelRateLimits(['=5/s', 'iris=1/s', 'iris=2/s'])).toThrow(
    /RATE_LIMIT_MODELS: '=5\/s' is malformed: write model=count\/unit.*\n.*'iris' stands twice: give each model one limit/,
  );
});
