import { OneOf, Text } from '../../config/keys.js';

/** Transport security, for both wires. */
export class TlsConfig {
  @Text('The file of the certificate chain, PEM; with TLS_KEY it turns TLS on for both wires.')
  readonly TLS_CERT?: string;

  @Text('The file of the private key of TLS_CERT, PEM.')
  readonly TLS_KEY?: string;

  @Text('The file of the authorities that client certificates are checked against, PEM; it turns mutual TLS on.')
  readonly TLS_CLIENT_CA?: string;

  @OneOf('Whether a client must show a certificate, or may call without one and say who it is in another way.', [
    'required',
    'optional',
  ])
  readonly TLS_CLIENT_AUTH: 'required' | 'optional' = 'required';
}
