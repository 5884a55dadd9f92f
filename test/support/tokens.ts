import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { exportJWK, type JWK, type JWTPayload, SignJWT } from 'jose';

/** Tokens, and the keys of whoever signs them. */

export const SECRET = 'a secret of at least 32 bytes in all';

export const HOUR = 3_600;
export const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

export interface Issuer {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly pem: string;
  readonly algorithm: string;
  readonly kid: string;
  /** The public key as a member of a key set. */
  jwk(): Promise<JWK>;
}

const KEY_PAIRS = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
} as const;

export function issuer(algorithm: keyof typeof KEY_PAIRS, kid = 'k-1'): Issuer {
  const { privateKey, publicKey } = KEY_PAIRS[algorithm]();
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const jwk = async (): Promise<JWK> => ({ ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' });
  return { privateKey, publicKey, pem, algorithm, kid, jwk };
}

/** A claim of `undefined` is left out. */
export interface TokenParts {
  readonly claims?: JWTPayload;
  readonly header?: Readonly<Record<string, unknown>>;
}

const claimsOf = (claims: JWTPayload = {}): JWTPayload =>
  Object.fromEntries(
    Object.entries({ sub: 'alice', exp: nowSeconds() + HOUR, ...claims }).filter(([, value]) => value !== undefined),
  );

/** A token of an issuer; valid for an hour unless its claims say otherwise. */
export const tokenOf = ({ privateKey, algorithm, kid }: Issuer, { claims, header }: TokenParts = {}): Promise<string> =>
  new SignJWT(claimsOf(claims)).setProtectedHeader({ alg: algorithm, kid, ...header }).sign(privateKey);

/** A token of whoever has the secret. */
export const secretToken = ({ claims, header }: TokenParts = {}, secret = SECRET): Promise<string> =>
  new SignJWT(claimsOf(claims)).setProtectedHeader({ alg: 'HS256', ...header }).sign(Buffer.from(secret));

/** Three parts as they stand: a header, claims, and anything for a signature. */
export const forgedToken = (header: object, claims: JWTPayload = {}, signature = ''): string =>
  `${encode(header)}.${encode(claimsOf(claims))}.${signature}`;

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
