/** The header, and metadata key, that carries the id of a call both ways. */
export const REQUEST_ID_HEADER = 'x-request-id';

/** Printable ASCII without blanks: safe in headers, metadata and log lines. */
const SANE = /^[\x21-\x7e]{1,128}$/;

export const isSaneRequestId = (candidate: string | undefined): boolean =>
  candidate !== undefined && SANE.test(candidate);
