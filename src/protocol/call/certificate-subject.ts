import type { PeerCertificate } from 'node:tls';

/**
 * The subject of a verified certificate as one line, `CN=ci,O=Example`; `undefined` without a certificate. A comma, plus
 * or backslash within a value has a backslash before it: no value passes for another attribute.
 */
export function subjectOf(certificate: Pick<PeerCertificate, 'subject'> | undefined): string | undefined {
  const attributes = Object.entries(certificate?.subject ?? {}).map(([name, value]) => {
    const values = [value ?? ''].flat();
    return `${name}=${values.map((text) => text.replace(/[,+\\]/g, String.raw`\$&`)).join('+')}`;
  });
  return attributes.length === 0 ? undefined : attributes.join(',');
}
