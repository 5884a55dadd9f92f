import type { Credentials } from '../../../protocol/call/call-authenticator.js';

/** What a call presents as `authorization: Bearer`. */
export const bearerOf = (credentials: Credentials): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(credentials.header('authorization') ?? '')?.[1];

/** Whether it has the three parts of a signed token. */
export const looksLikeToken = (bearer: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]*$/.test(bearer);
