import { Bool, Int, Secret, Text } from '../../config/keys.js';

/** Who may call. */
export class AuthenticationConfig {
  @Bool('Whether callers must say who they are; unset, they must as soon as credentials are configured.')
  readonly AUTH_ENABLED?: boolean;

  @Secret(
    'The API keys as name:key, with commas or line ends between; a key has at least 16 characters, # starts a comment.',
    { fromFile: false },
  )
  readonly API_KEYS?: string;

  @Text(
    'The file of hashed API keys, name:sha256:<hash> to a line, taken up when it changes; scripts/api-key.mjs makes such lines.',
  )
  readonly API_KEYS_FILE?: string;

  @Int(
    'How many failed authentications a minute one address may have before its unknown credentials are refused unread; 0: any.',
    {
      min: 0,
      max: 1_000_000,
    },
  )
  readonly AUTH_FAILURES_PER_MINUTE: number = 30;
}
