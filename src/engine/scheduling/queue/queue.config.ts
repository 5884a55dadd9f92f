import { Int } from '../../../config/keys.js';

/** How much waits for a model that does not say so itself. */
export class QueueConfig {
  @Int('How many requests wait for one model; further ones are told to come back. 0: any number.', {
    min: 0,
    max: 2_147_483_647,
  })
  readonly MODEL_MAX_QUEUE_SIZE: number = 1_000;
}
