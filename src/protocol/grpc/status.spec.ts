import { status } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { readDetails } from '../../../test/support/status-details.js';
import { type ErrorCode, ServingError } from '../../core/errors/serving-error.js';
import { encodeDetails } from './error-details.js';
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

it('the details of an error tell when to try again, beside all else that it says', () => {
  const error = new ServingError('unavailable', 'busy', {
    retryAfterMs: 2_500.2,
    reason: 'restricted',
    field: 'inputs',
  });
  expect(readDetails(encodeDetails(error, 'busy') ?? Buffer.alloc(0))).toEqual({
    code: 14,
    message: 'busy',
    BadRequest: { fieldViolations: [{ field: 'inputs', description: 'busy' }] },
    RetryInfo: { retryDelay: { seconds: 2, nanos: 501_000_000 } },
    ErrorInfo: { reason: 'RESTRICTED', domain: 'inference.GRPCInferenceService' },
  });
  expect(encodeDetails(new ServingError('internal', 'no'), 'no')).toBeUndefined();
});
