import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { ConfigurationError } from '../../../../config/configuration-error.js';
import type { FileWatcher, Watched } from '../../../../config/file-watcher.js';
import {
  DEFAULT_PUBLIC_ALGORITHMS,
  DEFAULT_SECRET_ALGORITHMS,
  isPublicAlgorithm,
  isSecretAlgorithm,
  PUBLIC_ALGORITHMS,
  type PublicAlgorithm,
  SECRET_ALGORITHMS,
} from './token-algorithms.js';
import { TokenKeys } from './token-keys.js';

/** The secret that the issuer shares with this server. Throws a `ConfigurationError`. */
export class SecretKeys extends TokenKeys {
  readonly algorithms: readonly string[];
  private readonly key: KeyObject;

  constructor(secret: string, asked: readonly string[] = DEFAULT_SECRET_ALGORITHMS) {
    super();
    const algorithms = asked.filter(isSecretAlgorithm);
    const problems = refuseOthers(asked, algorithms, 'AUTH_SECRET', Object.keys(SECRET_ALGORITHMS));
    const bytes = Buffer.from(secret, 'utf8');
    const least = Math.max(...algorithms.map((name) => SECRET_ALGORITHMS[name]));
    if (PUBLISHED.test(secret))
      problems.push(
        'AUTH_SECRET=***: this is a key that others may know, not a secret: use JWT_PUBLIC_KEY_FILE for it',
      );
    else if (bytes.length < least)
      problems.push(
        `AUTH_SECRET=***: it has ${bytes.length} bytes: ${algorithms.join(' and ')} take at least ${least}`,
      );
    if (problems.length > 0) throw new ConfigurationError(problems);
    this.algorithms = algorithms;
    this.key = createSecretKey(bytes);
  }

  keyFor(): KeyObject {
    return this.key;
  }
}

/** PEM, a line of OpenSSH, or a JWK, wherever in the text it begins: signing with it takes no secret. */
const PUBLISHED = /-----BEGIN |^\s*(?:ssh-|ecdsa-)|^\s*\{[^]*"kty"/;

interface PublicKey {
  readonly key: KeyObject;
  readonly algorithms: readonly PublicAlgorithm[];
}

/** The public key in a file, taken up when the file changes. Throws a `ConfigurationError`. */
export class PublicKeyFile extends TokenKeys {
  private readonly watched: Watched<PublicKey>;

  constructor(path: string, asked: readonly string[] | undefined, watcher: FileWatcher, onChange: () => void) {
    super();
    const allowed = publicAlgorithms(asked, 'JWT_PUBLIC_KEY_FILE');
    const parse = ([content]: readonly Buffer[]): PublicKey => {
      const key = parsePublicKey(content?.toString('utf8') ?? '');
      const algorithms = allowed.filter((name) => PUBLIC_ALGORITHMS[name](key));
      // Those by default are for any key; those in writing are meant for this one.
      if (algorithms.length === 0 || (asked !== undefined && algorithms.length < allowed.length))
        throw new Error(
          `the key fits ${fittingOf(key)}, and AUTH_ALGORITHM is ${allowed.join(',')}: set one that fits`,
        );
      return { key, algorithms };
    };
    this.watched = watcher.watch('JWT_PUBLIC_KEY_FILE', [path], parse, onChange);
  }

  get algorithms(): readonly string[] {
    return this.watched.current.algorithms;
  }

  keyFor(): KeyObject {
    return this.watched.current.key;
  }
}

/** Throws a `ConfigurationError` for names that are none of a public key. */
export function publicAlgorithms(
  asked: readonly string[] = DEFAULT_PUBLIC_ALGORITHMS,
  source: string,
): readonly PublicAlgorithm[] {
  const algorithms = asked.filter(isPublicAlgorithm);
  const problems = refuseOthers(asked, algorithms, source, Object.keys(PUBLIC_ALGORITHMS));
  if (problems.length > 0) throw new ConfigurationError(problems);
  return algorithms;
}

function refuseOthers(asked: readonly string[], fitting: readonly string[], source: string, names: readonly string[]) {
  if (asked.length > 0 && fitting.length === asked.length) return [];
  return [`AUTH_ALGORITHM=${JSON.stringify(asked.join(','))}: with ${source} use ${names.join(', ')}`];
}

function parsePublicKey(pem: string): KeyObject {
  const [block, ...others] = pem.match(/-----BEGIN [^-]+-----/g) ?? [];
  if (block === undefined) throw new Error('it holds no PEM block: write the public key as PEM');
  if (others.length > 0) throw new Error('it holds several PEM blocks: write the one public key');
  if (block.includes('PRIVATE'))
    throw new Error('it holds a private key, which stays with the issuer: write the public one');
  const key = createPublicKey(pem);
  const { modulusLength = MIN_RSA_BITS } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < MIN_RSA_BITS)
    throw new Error(`the key has ${modulusLength} bits: use one of at least ${MIN_RSA_BITS}`);
  return key;
}

const MIN_RSA_BITS = 2_048;

const fittingOf = (key: KeyObject): string =>
  Object.entries(PUBLIC_ALGORITHMS)
    .filter(([, fits]) => fits(key))
    .map(([name]) => name)
    .join(', ') || 'no algorithm of tokens';
