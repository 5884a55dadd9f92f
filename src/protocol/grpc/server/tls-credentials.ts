import type { SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import type { TlsSettings } from '../../tls/tls-material.js';

/** Server credentials whose certificates can be replaced while the server runs. */
export class TlsServerCredentials extends ServerCredentials {
  constructor(settings: TlsSettings, context: SecureContextOptions) {
    super({ ...settings }, context);
  }

  /** Takes up new certificates; connections that are open keep the old ones. */
  replace(context: SecureContextOptions): void {
    this.updateSecureContextOptions(context);
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}
