import { Int } from '../config/keys.js';

/** How much the server takes on before it refuses inferences. */
export class InferenceConfig {
  @Int('How many inference calls run at a time, over both wires; further ones are told to come back. 0: any number.', {
    min: 0,
    max: 2_147_483_647,
  })
  readonly MAX_IN_FLIGHT: number = 10_000;

  @Int('The delay of the event loop above which inferences are refused, p99 of a second in milliseconds; 0: never.', {
    min: 0,
    max: 3_600_000,
  })
  readonly EVENT_LOOP_DELAY_LIMIT_MS: number = 0;
}
