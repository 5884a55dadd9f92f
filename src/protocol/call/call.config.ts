import { Int } from '../../config/keys.js';

/** What one call may take, over either wire. */
export class CallConfig {
  @Int('The most bytes that a message or body may have, over either wire.', { min: 1, max: 2_147_483_647 })
  readonly MAX_MESSAGE_BYTES: number = 67_108_864;

  @Int('The longest that a call may take, in milliseconds; a caller with an earlier deadline keeps it.', {
    min: 1,
    max: 2_147_483_647,
  })
  readonly REQUEST_TIMEOUT_MS: number = 300_000;

  @Int('How long running calls may take to finish when the server is told to end, in milliseconds.', {
    min: 0,
    max: 2_147_483_647,
  })
  readonly SHUTDOWN_DRAIN_MS: number = 20_000;
}
