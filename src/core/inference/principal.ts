/** Who a call is made for, as an authenticator settled it. */
export interface Principal {
  /** The name of the key, the token's subject or the certificate's subject. */
  readonly name: string;
  readonly roles: readonly string[];
}
