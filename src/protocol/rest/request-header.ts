import type { IncomingHttpHeaders } from 'node:http';

/** The header that tells how many bytes of a body are JSON, where binary tensor data follows. */
export const HEADER_LENGTH_HEADER = 'inference-header-content-length';

/** The first value of a header, by its name in lower case. Of all that the object seems to have, only what was sent. */
export function requestHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  if (!Object.hasOwn(headers, name)) return undefined;
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}
