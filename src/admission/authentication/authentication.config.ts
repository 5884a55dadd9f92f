import { Bool, Secret } from '../../config/keys.js';

/** Who may call. */
export class AuthenticationConfig {
  @Bool('Whether callers must say who they are; unset, they must as soon as credentials are configured.')
  readonly AUTH_ENABLED?: boolean;

  @Secret(
    'The API keys as name:key, with commas or line ends between; a key has at least 16 characters, # starts a comment.',
  )
  readonly API_KEYS?: string;
}
