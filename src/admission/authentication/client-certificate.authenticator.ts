import { Injectable } from '@nestjs/common';
import type { Principal } from '../../core/inference/principal.js';
import type { Credentials } from '../../protocol/call/call-authenticator.js';
import { TlsConfig } from '../../protocol/tls/tls.config.js';
import { Authenticator } from './authenticator.js';

/** Knows callers by the certificate that TLS has verified: by its CN, or by the whole subject where it has no CN. */
@Injectable()
export class ClientCertificateAuthenticator extends Authenticator {
  readonly configured: boolean;

  constructor({ TLS_CLIENT_CA }: TlsConfig) {
    super();
    this.configured = TLS_CLIENT_CA !== undefined;
  }

  override recall(credentials: Credentials): Principal | undefined {
    const subject = credentials.certificateSubject();
    return subject === undefined ? undefined : { name: commonNameOf(subject) ?? subject, roles: [] };
  }

  authenticate(credentials: Credentials): Principal | undefined {
    return this.recall(credentials);
  }
}

/** Commas end an attribute, and pluses stand between several values of one; a backslash takes that from them. */
function commonNameOf(subject: string): string | undefined {
  const attributes = subject.match(/(?:[^,\\]|\\.)+/gs) ?? [];
  const [name = '', ...others] = attributes.filter((attribute) => attribute.startsWith('CN='));
  const value = name.slice('CN='.length);
  if (value === '' || others.length > 0 || value.replace(/\\./gs, '').includes('+')) return undefined;
  return value.replace(/\\(.)/gs, '$1');
}
