import type { ServingError } from '../../core/errors/serving-error.js';

/**
 * Says when the server has too much to do. The transports ask before they read an inference, and count those that run:
 * `enter` where there is no refusal, then `leave` once, however the call ends. Nothing else is ever refused, so the
 * server still says that it lives.
 */
export abstract class Overload {
  /** Why no further inference is taken now, with a hint when to try again; `undefined` where one is. */
  abstract refusal(): ServingError | undefined;
  abstract enter(): void;
  abstract leave(): void;
}
