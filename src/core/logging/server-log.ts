/** What the server writes to its log, in the protocol's words. */
export interface LogSettings {
  readonly info: boolean;
  readonly warning: boolean;
  readonly error: boolean;
  /** 0 for none; from 1 on what helps to debug, from 2 on all there is. */
  readonly verboseLevel: number;
  /** How moments are written: as people of the place write them, or by ISO 8601. */
  readonly format: 'default' | 'ISO8601';
}

/** The server's log, as far as it can be set while the server runs. */
export abstract class ServerLog {
  abstract readonly settings: LogSettings;
  /** Holds at once, for everything that is logged from now on. */
  abstract change(settings: Partial<LogSettings>): void;
}
