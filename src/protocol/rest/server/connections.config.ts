import { Int } from '../../../config/keys.js';

const MILLISECONDS = { min: 1, max: 2_147_483_647 };

/** What one connection to the REST server may take, and how many there may be. */
export class ConnectionsConfig {
  @Int('How long the headers of a REST request may take to arrive, in milliseconds.', MILLISECONDS)
  readonly REST_HEADERS_TIMEOUT_MS: number = 60_000;

  @Int('How long a whole REST request may take to arrive, in milliseconds.', MILLISECONDS)
  readonly REST_RECEIVE_TIMEOUT_MS: number = 300_000;

  @Int('How long a REST connection is kept that sends nothing more, in milliseconds.', MILLISECONDS)
  readonly REST_KEEP_ALIVE_TIMEOUT_MS: number = 72_000;

  @Int('How long a caller may take nothing of a REST reply that is being sent, in milliseconds.', MILLISECONDS)
  readonly REST_SEND_TIMEOUT_MS: number = 60_000;

  @Int('The most bytes that the headers of a REST request may have.', { min: 1_024, max: 1_048_576 })
  readonly REST_MAX_HEADER_BYTES: number = 16_384;

  @Int('How many connections the REST server has at a time; further ones are closed. 0: any number.', {
    min: 0,
    max: 2_147_483_647,
  })
  readonly REST_MAX_CONNECTIONS: number = 10_000;
}
