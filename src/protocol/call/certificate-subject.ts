import type { PeerCertificate } from 'node:tls';

/** The subject of a verified certificate as one line, `CN=ci,O=Example`; `undefined` without a certificate. */
export function subjectOf(certificate: Pick<PeerCertificate, 'subject'> | undefined): string | undefined {
  const parts = Object.entries(certificate?.subject ?? {});
  return parts.length === 0 ? undefined : parts.map(([name, value]) => `${name}=${[value].flat().join('+')}`).join(',');
}
