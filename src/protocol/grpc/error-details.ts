import { join } from 'node:path';
import protobuf from 'protobufjs';
import type { ServingError } from '../../core/errors/serving-error.js';
import { PROTO_FOLDER } from './contracts.js';
import { GRPC_STATUS } from './status.js';

/** The trailer that clients look for details in. */
export const DETAILS_TRAILER = 'grpc-status-details-bin';

const DOMAIN = 'inference.GRPCInferenceService';

/** Clients limit all trailers together to some kilobytes, and the text of the status is there twice already. */
const MAX_FIELD_LENGTH = 200;
const MAX_DESCRIPTION_LENGTH = 300;

/**
 * The details of a failed call as an encoded `google.rpc.Status`: the field that is wrong, when to try again, the
 * reason; `undefined` where an error tells none of them. The text is that of the call's status: clients compare them.
 */
export function encodeDetails(error: ServingError, text: string): Buffer | undefined {
  const details = detailsOf(error);
  if (details.length === 0) return undefined;
  const status = { code: GRPC_STATUS[error.code], message: text, details };
  return Buffer.from(typeOf('Status').encode(status).finish());
}

function detailsOf({ message, field, retryAfterMs, reason }: ServingError): object[] {
  const details: object[] = [];
  if (field !== undefined) {
    const violation = { field: clip(field, MAX_FIELD_LENGTH), description: clip(message, MAX_DESCRIPTION_LENGTH) };
    details.push(any('BadRequest', { field_violations: [violation] }));
  }
  if (retryAfterMs !== undefined) {
    const milliseconds = Math.ceil(retryAfterMs);
    const retry_delay = { seconds: Math.floor(milliseconds / 1_000), nanos: (milliseconds % 1_000) * 1_000_000 };
    details.push(any('RetryInfo', { retry_delay }));
  }
  if (reason !== undefined) {
    details.push(any('ErrorInfo', { reason: reason.toUpperCase().replaceAll('-', '_'), domain: DOMAIN }));
  }
  return details;
}

const any = (type: string, message: object): object => ({
  type_url: `type.googleapis.com/google.rpc.${type}`,
  value: typeOf(type).encode(message).finish(),
});

/** Half a character has no encoding, and names come from callers. */
const clip = (text: string, length: number): string =>
  (text.length > length ? `${text.slice(0, length)}…` : text).toWellFormed();

let root: protobuf.Root | undefined;

/** Read when the first call fails: most servers start more often than they need it. */
function typeOf(name: string): protobuf.Type {
  root ??= new protobuf.Root().loadSync(join(PROTO_FOLDER, 'error_details.proto'), { keepCase: true });
  return root.lookupType(`google.rpc.${name}`);
}
