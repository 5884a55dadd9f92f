import { status } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import type { ErrorCode } from '../../core/errors/serving-error.js';
import { GRPC_STATUS } from './status.js';

/** The protocol's own numbers, written out: the table must not follow a renumbering of the library. */
const NUMBERS: Readonly<Record<ErrorCode, number>> = {
  cancelled: 1,
  'invalid-argument': 3,
  'deadline-exceeded': 4,
  'not-found': 5,
  'already-exists': 6,
  'permission-denied': 7,
  'resource-exhausted': 8,
  'failed-precondition': 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
};

it('has the number of every code, and of no other', () => {
  expect(GRPC_STATUS).toEqual(NUMBERS);
});

it.each(Object.entries(GRPC_STATUS))('%s has the name of its status', (code, number) => {
  expect(status[number]).toBe(code.toUpperCase().replaceAll('-', '_'));
});
