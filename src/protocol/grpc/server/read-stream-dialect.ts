import type { Metadata } from '@grpc/grpc-js';
import { invalidArgument } from '../../../core/errors/catalogue.js';
import type { ServingError } from '../../../core/errors/serving-error.js';
import { STREAM_DIALECTS, type StreamDialect } from './stream-messages.js';

const KEY = 'x-oip-stream-dialect';

/** What a client wants its stream to speak; the error where that is no dialect. */
export function readStreamDialect(metadata: Metadata, usual: StreamDialect): StreamDialect | ServingError {
  const [wanted] = metadata.get(KEY);
  if (wanted === undefined) return usual;
  return (
    STREAM_DIALECTS.find((dialect) => dialect === wanted) ??
    invalidArgument(`metadata ${KEY}: '${wanted.toString()}' is no dialect: use one of ${STREAM_DIALECTS.join(', ')}`)
  );
}
