import type { KeyObject } from 'node:crypto';

/** Which algorithms go with which keys: what a token asks for never widens it, and `none` is not among them. */

/** The algorithms of a shared secret, with the fewest bytes of it: as many as the hash has (RFC 7518, 3.2). */
export const SECRET_ALGORITHMS = { HS256: 32, HS384: 48, HS512: 64 } as const;

type Fits = (key: KeyObject) => boolean;

const rsa: Fits = ({ asymmetricKeyType }) => asymmetricKeyType === 'rsa';
const rsaOrPss: Fits = (key) => rsa(key) || key.asymmetricKeyType === 'rsa-pss';
const ed25519: Fits = ({ asymmetricKeyType }) => asymmetricKeyType === 'ed25519';
const curve =
  (name: string): Fits =>
  ({ asymmetricKeyType, asymmetricKeyDetails }) =>
    asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === name;

/** The algorithms of a public key, with the keys that they fit. */
export const PUBLIC_ALGORITHMS = {
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsaOrPss,
  PS384: rsaOrPss,
  PS512: rsaOrPss,
  ES256: curve('prime256v1'),
  ES384: curve('secp384r1'),
  ES512: curve('secp521r1'),
  EdDSA: ed25519,
} as const satisfies Record<string, Fits>;

export type SecretAlgorithm = keyof typeof SECRET_ALGORITHMS;
export type PublicAlgorithm = keyof typeof PUBLIC_ALGORITHMS;

export const DEFAULT_SECRET_ALGORITHMS: readonly SecretAlgorithm[] = ['HS256'];
export const DEFAULT_PUBLIC_ALGORITHMS: readonly PublicAlgorithm[] = ['RS256', 'ES256', 'EdDSA'];

export const isSecretAlgorithm = (name: string): name is SecretAlgorithm => Object.hasOwn(SECRET_ALGORITHMS, name);
export const isPublicAlgorithm = (name: string): name is PublicAlgorithm => Object.hasOwn(PUBLIC_ALGORITHMS, name);
