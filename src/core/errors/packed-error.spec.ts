import { describe, expect, it } from 'vitest';
import { ServingError } from './serving-error.js';
import { packError, unpackError } from './packed-error.js';

const over = (thrown: unknown): Error => unpackError(structuredClone(packError(thrown)));

it('a ServingError comes over as one, with all that it says', () => {
  const error = over(
    new ServingError('unavailable', 'busy', {
      reason: 'restricted',
      retryAfterMs: 5,
      field: 'id',
      cause: new Error('inside'),
    }),
  );
  expect(error).toBeInstanceOf(ServingError);
  expect(error).toMatchObject({
    code: 'unavailable',
    message: 'busy',
    reason: 'restricted',
    retryAfterMs: 5,
    field: 'id',
  });
  expect((error.cause as Error).message).toBe('inside');
});

it('any other error comes over with its message and the stack of its thread', () => {
  const thrown = new TypeError('wrong');
  const error = over(thrown);
  expect(error).not.toBeInstanceOf(ServingError);
  expect([error.message, error.stack]).toEqual(['wrong', thrown.stack]);
});

describe('what is no error', () => {
  it.each([
    ['text', "what was thrown is no error: 'text'"],
    [undefined, 'what was thrown is no error: undefined'],
    [null, 'what was thrown is no error: null'],
    [Symbol('s'), 'what was thrown is no error: Symbol(s)'],
    [() => 1, 'what was thrown is no error: [Function (anonymous)]'],
  ])('is described: %s', (thrown, message) => {
    expect(over(thrown).message).toBe(message);
  });

  it('may even refuse to be', () => {
    class Poison extends Error {
      override get message(): string {
        throw new Error('no');
      }
    }
    expect(over(new Poison()).message).toBe('what was thrown cannot be described');
  });
});
