import type { IncomingHttpHeaders } from 'node:http';

/** The first value of a header, by its name in lower case. Of all that the object seems to have, only what was sent. */
export function requestHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  if (!Object.hasOwn(headers, name)) return undefined;
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}
