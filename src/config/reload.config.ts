import { Int } from './keys.js';

/** How files that may be replaced while the server runs are looked after. */
export class ReloadConfig {
  @Int('How often certificates, keys and policies on disk are looked at for changes, in milliseconds.', {
    min: 10,
    max: 86_400_000,
  })
  readonly RELOAD_INTERVAL_MS: number = 5_000;
}
