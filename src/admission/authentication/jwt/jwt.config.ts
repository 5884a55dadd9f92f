import { Int, List, Secret, Text } from '../../../config/keys.js';

/** How the tokens (JWT) of an identity provider are checked. */
export class JwtConfig {
  @Secret(
    'The secret that tokens are signed with by HS256, HS384 or HS512; as long as the hash, so 32 bytes for HS256.',
  )
  readonly AUTH_SECRET?: string;

  @List('The algorithms of tokens that are accepted; unset, HS256 with AUTH_SECRET, otherwise RS256, ES256 and EdDSA.')
  readonly AUTH_ALGORITHM?: readonly string[];

  @Text('The file of the public key that tokens are checked with, PEM; taken up when it changes.')
  readonly JWT_PUBLIC_KEY_FILE?: string;

  @Text('The URL of the key set (JWKS) that tokens are checked with.')
  readonly JWT_JWKS_URL?: string;

  @Int('How long fetching the key set may take, in milliseconds.', { min: 1, max: 60_000 })
  readonly JWT_JWKS_TIMEOUT_MS: number = 3_000;

  @Text('The issuer (iss) that tokens must name; unset, any.')
  readonly JWT_ISSUER?: string;

  @List('The audiences (aud) of which tokens must name one; unset, any.')
  readonly JWT_AUDIENCE?: readonly string[];

  @Text('The claim of the roles, an array or a text with blanks between; dots lead into objects: realm_access.roles.')
  readonly JWT_ROLES_CLAIM: string = 'roles';

  @Int('How many seconds the clocks of this server and the issuer may differ.', { min: 0, max: 300 })
  readonly JWT_CLOCK_TOLERANCE_S: number = 5;

  @Int('The longest that a verified token is remembered, in seconds; never beyond its expiry. 0: each time anew.', {
    min: 0,
    max: 86_400,
  })
  readonly JWT_CACHE_SECONDS: number = 300;
}
