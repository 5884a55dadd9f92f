import { Int } from '../../config/keys.js';

/** How much is kept of what models answered. */
export class CacheConfig {
  @Int(
    'How many bytes of responses are kept in memory, of the models that ask for it; those not used for longest go first. 0: none.',
    { min: 0, max: Number.MAX_SAFE_INTEGER },
  )
  readonly RESPONSE_CACHE_BYTES: number = 0;
}
