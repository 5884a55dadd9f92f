import { OneOf } from '../config/keys.js';

/** The log. */
export class LogConfig {
  @OneOf('The least severe level that is logged.', ['error', 'warn', 'info', 'debug', 'verbose'])
  readonly LOG_LEVEL: 'error' | 'warn' | 'info' | 'debug' | 'verbose' = 'info';

  @OneOf('Lines for people (text), or one JSON object to a line (json).', ['text', 'json'])
  readonly LOG_FORMAT: 'text' | 'json' = 'text';
}
