import { Bool, List } from '../../../config/keys.js';

/** What browsers are told; nothing by default, since most callers are none. */
export class BrowserConfig {
  @Bool('Whether replies carry security headers: Content-Security-Policy, Strict-Transport-Security and the like.')
  readonly SECURITY_HEADERS: boolean = false;

  @List('The origins whose pages may call the server, such as https://app.example.org; * for all. Unset: none.')
  readonly CORS_ORIGINS: readonly string[] = [];
}
