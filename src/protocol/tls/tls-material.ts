import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ConfigurationError } from '../../config/configuration-error.js';
import type { TlsConfig } from './tls.config.js';

/** What a listener needs of the certificates, with how it treats those of clients. */
export interface TlsSettings {
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
}

/** The files that TLS is made of: certificate, key and, for mutual TLS, the client authorities. */
export function tlsFiles({ TLS_CERT, TLS_KEY, TLS_CLIENT_CA }: TlsConfig): readonly string[] {
  if (TLS_CERT === undefined && TLS_KEY === undefined) {
    if (TLS_CLIENT_CA === undefined) return [];
    throw new ConfigurationError(['TLS_CLIENT_CA: there is no TLS to check clients in: set TLS_CERT and TLS_KEY too']);
  }
  if (TLS_CERT === undefined || TLS_KEY === undefined) {
    const [missing, given] = TLS_CERT === undefined ? ['TLS_CERT', 'TLS_KEY'] : ['TLS_KEY', 'TLS_CERT'];
    throw new ConfigurationError([`${given} is set without ${missing}: set both, or neither`]);
  }
  return TLS_CLIENT_CA === undefined ? [TLS_CERT, TLS_KEY] : [TLS_CERT, TLS_KEY, TLS_CLIENT_CA];
}

export const tlsSettings = ({ TLS_CLIENT_CA, TLS_CLIENT_AUTH }: TlsConfig): TlsSettings => ({
  requestCert: TLS_CLIENT_CA !== undefined,
  rejectUnauthorized: TLS_CLIENT_CA !== undefined && TLS_CLIENT_AUTH === 'required',
});

/** Checks the contents of {@link tlsFiles}, in their order. Throws what is wrong with them. */
export function parseTlsMaterial([cert, key, ca]: readonly Buffer[]): SecureContextOptions {
  if (cert === undefined || key === undefined) throw new Error('there is no certificate');
  const certificate = new X509Certificate(cert);
  if (!certificate.checkPrivateKey(createPrivateKey(key)))
    throw new Error('the private key is not that of the certificate');
  const options: SecureContextOptions = { cert, key, ...(ca === undefined ? {} : { ca }), minVersion: 'TLSv1.2' };
  createSecureContext(options);
  return options;
}
