import { expect, it } from 'vitest';
import { subjectOf } from '../../protocol/call/certificate-subject.js';
import { TlsConfig } from '../../protocol/tls/tls.config.js';
import { fakeCredentials } from '../../testing/fake-credentials.js';
import { ClientCertificateAuthenticator } from './client-certificate.authenticator.js';

const make = (TLS_CLIENT_CA?: string) =>
  new ClientCertificateAuthenticator(Object.assign(new TlsConfig(), { TLS_CLIENT_CA }));

/** Distinguished names as Node.js hands them out: several values of one attribute are a list. */
type Subject = Parameters<typeof subjectOf>[0] extends infer T | undefined ? T : never;

const nameOf = (subject: object): string | undefined => {
  const line = subjectOf({ subject } as Subject);
  return make('ca.pem').authenticate(fakeCredentials({}, line === undefined ? {} : { subject: line }))?.name;
};

it.each([
  [{ CN: 'ci' }, 'ci'],
  [{ C: 'DE', O: 'Example', CN: 'ci runner, blue' }, 'ci runner, blue'],
  [{ O: 'Example' }, 'O=Example'],
  [{ CN: '', O: 'Example' }, 'CN=,O=Example'],
  [{ CN: ['a', 'b'] }, 'CN=a+b'],
  [{ CN: 'a+b' }, 'a+b'],
  [{ CN: String.raw`back\slash,CN=x` }, String.raw`back\slash,CN=x`],
  [{ O: 'Evil,CN=admin', CN: 'guest' }, 'guest'],
  [{ O: String.raw`Evil\,CN=admin`, CN: 'guest' }, 'guest'],
  [{ O: 'Evil,CN=admin' }, String.raw`O=Evil\,CN=admin`],
])('names a caller with the subject %j %j', (subject, name) => {
  expect(nameOf(subject)).toBe(name);
});

it('knows nobody without a certificate', () => {
  expect(make('ca.pem').authenticate(fakeCredentials())).toBeUndefined();
  expect(nameOf({})).toBeUndefined();
});

it('is configured exactly when there is an authority for clients', () => {
  expect(make('ca.pem').configured).toBe(true);
  expect(make().configured).toBe(false);
});
