import type { Credentials } from '../protocol/call/call-authenticator.js';

/** Headers in lower case, and perhaps a certificate, as a call shows them. */
export const fakeCredentials = (
  headers: Readonly<Record<string, string>> = {},
  { peer = '192.0.2.1', subject }: { readonly peer?: string; readonly subject?: string } = {},
): Credentials => ({ header: (name) => headers[name], certificateSubject: () => subject, peer });
