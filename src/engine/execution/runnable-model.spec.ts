import { expect, it } from 'vitest';
import { handleOf } from '../../../test/support/engine.js';

it('keeps no answers that depend on the requests before', () => {
  expect(handleOf({ scheduling: { cache: true } }).isCached).toBe(true);
  expect(handleOf({ scheduling: { cache: true, sequence: {} } }).isCached).toBe(false);
});
