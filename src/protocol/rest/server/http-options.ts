import type { ServerOptions } from 'node:http';
import type { ConnectionsConfig } from './connections.config.js';

/** How often Node.js looks for connections that take too long, at the most. */
const LONGEST_CHECK_MS = 30_000;

/** The server's options: time-outs are found to be over no later than half their length after their end. */
export function httpOptions(config: ConnectionsConfig): ServerOptions {
  const { REST_HEADERS_TIMEOUT_MS, REST_RECEIVE_TIMEOUT_MS: requestTimeout, REST_MAX_HEADER_BYTES } = config;
  // Node.js refuses headers that may take longer than the request that they are a part of.
  const headersTimeout = Math.min(REST_HEADERS_TIMEOUT_MS, requestTimeout);
  return {
    headersTimeout,
    requestTimeout,
    connectionsCheckingInterval: Math.min(LONGEST_CHECK_MS, Math.ceil(headersTimeout / 2)),
    maxHeaderSize: REST_MAX_HEADER_BYTES,
  };
}
