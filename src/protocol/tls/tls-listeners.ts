import { readFileSync } from 'node:fs';
import type { Server, ServerOptions } from 'node:https';
import { ConfigurationError } from '../../config/configuration-error.js';
import type { FileWatcher } from '../../config/file-watcher.js';
import { TlsServerCredentials } from '../grpc/server/tls-credentials.js';
import type { TlsConfig } from './tls.config.js';
import { parseTlsMaterial, tlsFiles, tlsSettings } from './tls-material.js';

/** The certificates of both listeners, and the way to replace them while the server runs. */
export class TlsListeners {
  private constructor(
    private readonly files: readonly string[],
    /** What the REST listener is made with. */
    readonly rest: ServerOptions,
    /** What the gRPC listener is made with. */
    readonly grpc: TlsServerCredentials,
  ) {}

  /** Reads the certificates; `undefined` where none are configured. Throws a `ConfigurationError`. */
  static read(config: TlsConfig): TlsListeners | undefined {
    const files = tlsFiles(config);
    if (files.length === 0) return undefined;
    const settings = tlsSettings(config);
    try {
      const context = parseTlsMaterial(files.map((file) => readFileSync(file)));
      return new TlsListeners(files, { ...settings, ...context }, new TlsServerCredentials(settings, context));
    } catch (failure) {
      throw new ConfigurationError([`TLS (${files.join(', ')}): ${(failure as Error).message}`]);
    }
  }

  /** Takes up certificates that are replaced on disk, for the connections from then on. */
  follow(watcher: FileWatcher, server: unknown): void {
    watcher.watch('TLS', this.files, parseTlsMaterial, (context) => {
      (server as Server).setSecureContext(context);
      this.grpc.replace(context);
    });
  }
}
