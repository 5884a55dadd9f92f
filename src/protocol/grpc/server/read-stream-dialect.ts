import type { Metadata } from '@grpc/grpc-js';
import { invalidArgument } from '../../../core/errors/catalogue.js';
import { STREAM_DIALECTS, type StreamDialect } from './stream-messages.js';

const KEY = 'x-oip-stream-dialect';

/** What a client wants its stream to speak. Throws `invalid-argument` for what is no dialect. */
export function readStreamDialect(metadata: Metadata, usual: StreamDialect): StreamDialect {
  const [wanted] = metadata.get(KEY);
  if (wanted === undefined) return usual;
  const found = STREAM_DIALECTS.find((dialect) => dialect === wanted);
  if (found !== undefined) return found;
  throw invalidArgument(
    `metadata ${KEY}: '${wanted.toString()}' is no dialect: use one of ${STREAM_DIALECTS.join(', ')}`,
  );
}
