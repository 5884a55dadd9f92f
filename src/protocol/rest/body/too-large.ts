import { ServingError } from '../../../core/errors/serving-error.js';

/** The error for a body of so many bytes, as far as they were counted. Clients match on its text. */
export const tooLarge = (length: number, maxBytes: number): ServingError =>
  new ServingError(
    'resource-exhausted',
    `request JSON size of ${length} bytes exceeds the maximum allowed input size of ${maxBytes} bytes. Use MAX_MESSAGE_BYTES to increase the limit.`,
    { reason: 'message-too-large' },
  );
