import { StringDecoder } from 'node:string_decoder';
import { Metadata, type StatusObject } from '@grpc/grpc-js';
import type { ErrorCode, ServingError } from '../../../core/errors/serving-error.js';
import type { CallContext } from '../../call/call-context.js';
import type { CallObserver } from '../../call/call-observer.js';
import { REQUEST_ID_HEADER } from '../../call/request-id.js';
import { DETAILS_TRAILER, encodeDetails } from '../error-details.js';
import { GRPC_STATUS } from '../status.js';

const MAX_DETAILS_BYTES = 1_000;

/** Ends calls: writes the status that the client gets, and tells the observer once. */
export class CallReporter {
  constructor(private readonly observer: CallObserver) {}

  succeeded(context: CallContext): void {
    this.report(context, 'ok');
  }

  cancelled(context: CallContext): void {
    this.report(context, 'cancelled');
  }

  /** One that is answered otherwise than by a status. */
  failed(context: CallContext, error: ServingError): void {
    this.report(context, error.code);
  }

  /** The status of a call that failed. */
  end(context: CallContext, error: ServingError): StatusObject {
    this.report(context, error.code);
    const details = clip(error.message);
    const metadata = trailers(context, error.retryAfterMs);
    const encoded = encodeDetails(error, details);
    if (encoded !== undefined) metadata.set(DETAILS_TRAILER, encoded);
    return { code: GRPC_STATUS[error.code], details, metadata };
  }

  private report(context: CallContext, code: 'ok' | ErrorCode): void {
    if (context.finish()) this.observer.finished(context, { code, status: code === 'ok' ? 0 : GRPC_STATUS[code] });
  }
}

/**
 * Details travel in a trailer, percent-encoded: clients limit its size to some kilobytes, and half a character has no
 * encoding at all.
 */
function clip(message: string): string {
  const bytes = Buffer.from(message, 'utf8');
  const whole = new StringDecoder('utf8').write(bytes.subarray(0, MAX_DETAILS_BYTES));
  return bytes.byteLength > MAX_DETAILS_BYTES ? `${whole}…` : whole;
}

/** What every reply ends with: the id of the call, and where it was refused for now, when to try again. */
export function trailers({ requestId }: CallContext, retryAfterMs?: number): Metadata {
  const metadata = new Metadata();
  metadata.set(REQUEST_ID_HEADER, requestId);
  if (retryAfterMs !== undefined) {
    metadata.set('retry-after', String(Math.ceil(retryAfterMs / 1_000)));
    metadata.set('grpc-retry-pushback-ms', String(Math.ceil(retryAfterMs)));
  }
  return metadata;
}
