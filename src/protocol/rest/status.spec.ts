import { expect, it } from 'vitest';
import { malformedVersion } from '../../core/errors/catalogue.js';
import { type ErrorCode, ServingError } from '../../core/errors/serving-error.js';
import { HTTP_STATUS, httpStatus } from './status.js';

it.each([
  ['invalid-argument', 400],
  ['not-found', 404],
  ['already-exists', 400],
  ['failed-precondition', 400],
  ['unavailable', 503],
  ['resource-exhausted', 429],
  ['deadline-exceeded', 504],
  ['cancelled', 400],
  ['unauthenticated', 401],
  ['permission-denied', 403],
  ['unimplemented', 501],
  ['internal', 500],
] as const satisfies readonly (readonly [ErrorCode, number])[])('%s is %i', (code, status) => {
  expect(httpStatus(new ServingError(code, ''))).toBe(status);
  expect(HTTP_STATUS[code]).toBe(status);
});

it('answers some errors by their reason', () => {
  expect(httpStatus(malformedVersion('x'))).toBe(404);
  expect(httpStatus(new ServingError('resource-exhausted', '', { reason: 'message-too-large' }))).toBe(400);
  expect(httpStatus(new ServingError('unimplemented', '', { reason: 'unsupported-encoding' }))).toBe(501);
});
