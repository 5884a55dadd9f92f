import { errors } from 'jose';
import { ServingError } from '../../../core/errors/serving-error.js';

/** Says why in words of ours: nothing of the token stands in the text. */
export const invalidToken = (reason: string, cause?: unknown): ServingError =>
  new ServingError('unauthenticated', `Invalid token: ${reason}`, cause === undefined ? {} : { cause });

/** The refusal for what the verification of a token threw. What it should not throw is logged with the call. */
export function refusalOf(failure: unknown): ServingError {
  if (failure instanceof ServingError) return failure;
  if (failure instanceof errors.JWTExpired) return invalidToken('expired');
  if (failure instanceof errors.JWTClaimValidationFailed) return invalidToken(reasonOf(failure));
  if (failure instanceof errors.JWSSignatureVerificationFailed) return invalidToken('wrong signature');
  if (failure instanceof errors.JOSEAlgNotAllowed) return invalidToken('its algorithm is not accepted');
  if (failure instanceof errors.JWKSNoMatchingKey) return invalidToken('signed with an unknown key');
  if (failure instanceof errors.JWKSMultipleMatchingKeys) return invalidToken('its kid does not tell which key it is');
  if (failure instanceof errors.JOSEError) return invalidToken('malformed');
  return invalidToken('it cannot be verified', failure);
}

function reasonOf({ claim, reason }: errors.JWTClaimValidationFailed): string {
  const known = CLAIMS[claim];
  if (known === undefined) return 'malformed';
  return reason === 'missing' ? `without ${known.name}` : reason === 'invalid' ? 'malformed' : known.wrong;
}

const CLAIMS: Readonly<Record<string, { readonly name: string; readonly wrong: string }>> = {
  exp: { name: 'an expiry', wrong: 'expired' },
  nbf: { name: 'a beginning', wrong: 'not yet valid' },
  iss: { name: 'an issuer', wrong: 'wrong issuer' },
  aud: { name: 'an audience', wrong: 'wrong audience' },
  sub: { name: 'a subject', wrong: 'without a subject' },
};
