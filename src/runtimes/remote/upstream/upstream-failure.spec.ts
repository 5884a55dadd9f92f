import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { ServingError } from '../../../core/errors/serving-error.js';
import { GRPC_STATUS } from '../../../protocol/grpc/status.js';
import { fromStatus, isOutage, TransportFailure } from './upstream-failure.js';

const failure = (code: status, details: string, headers: Readonly<Record<string, string>> = {}): ServiceError => {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
  return Object.assign(new Error(details), { code, details, metadata });
};

const TRAILERS = { 'content-type': 'application/grpc' };

describe('what an upstream answers', () => {
  it.each(Object.entries(GRPC_STATUS))('with the status of %s has that code, and its text', (code, number) => {
    const error = fromStatus('up', failure(number, 'the text', TRAILERS), false);
    expect(error).toMatchObject({ code, message: 'the text' });
    expect(error.cause).toBeUndefined();
  });

  it.each([status.UNKNOWN, status.ABORTED, status.OUT_OF_RANGE, status.DATA_LOSS, 99 as status])(
    'with status %i, which has no code of its own, is internal',
    (number) => {
      expect(fromStatus('up', failure(number, 'the text', TRAILERS), false)).toMatchObject({
        code: 'internal',
        message: 'the text',
      });
    },
  );

  it('behind other headers may have trailers without any but the status', () => {
    const error = fromStatus('up', failure(status.NOT_FOUND, 'the text'), true);
    expect(error).toMatchObject({ code: 'not-found', message: 'the text' });
  });
});

describe('what fails on the way', () => {
  it.each([
    [status.UNAVAILABLE, 'No connection established. Last error: connect ECONNREFUSED 10.0.0.5:8001', false],
    [status.UNAVAILABLE, 'Connection dropped', true],
    [status.DEADLINE_EXCEEDED, 'Deadline exceeded after 0.1s,remote_addr=10.0.0.5:8001', true],
    [status.INTERNAL, 'Received RST_STREAM with code 2', false],
  ])('is told without an address, which stays in the cause: %i %s', (code, details, hasAnswered) => {
    const error = fromStatus('up', failure(code, details), hasAnswered);
    expect(error.message).not.toContain('10.0.0.5');
    expect(error.cause).toBeInstanceOf(TransportFailure);
    expect((error.cause as Error).message).toBe(details);
    expect(isOutage(error)).toBe(true);
  });
});

describe('an outage', () => {
  const onTheWay = { cause: new TransportFailure('broken') };
  it.each<[boolean, unknown]>([
    [true, new ServingError('unavailable', '')],
    [true, new ServingError('deadline-exceeded', '')],
    [true, new ServingError('internal', '', onTheWay)],
    [true, new ServingError('cancelled', '', onTheWay)],
    [false, new ServingError('internal', '')],
    [false, new ServingError('cancelled', '')],
    [false, new ServingError('resource-exhausted', '', onTheWay)],
    [false, new ServingError('invalid-argument', '')],
    [false, new Error('unavailable')],
  ])('is %s for %o', (expected, error) => {
    expect(isOutage(error)).toBe(expected);
  });
});
