import type { Metadata, ServiceError } from '@grpc/grpc-js';
import protobuf from 'protobufjs';

/** What a client reads from the trailer of a failed call: numbers of fields as Google's API common protos have them. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Any { string typeUrl = 1; bytes value = 2; }
  message BadRequest { repeated Violation fieldViolations = 1; }
  message Violation { string field = 1; string description = 2; }
  message RetryInfo { Delay retryDelay = 1; }
  message Delay { int64 seconds = 1; int32 nanos = 2; }
  message ErrorInfo { string reason = 1; string domain = 2; }
`);

interface Status {
  readonly code: number;
  readonly message: string;
  readonly details?: readonly { readonly typeUrl: string; readonly value: Uint8Array }[];
}

export interface StatusDetails {
  readonly code: number;
  readonly message: string;
  readonly BadRequest?: {
    readonly fieldViolations: readonly { readonly field: string; readonly description: string }[];
  };
  readonly RetryInfo?: { readonly retryDelay: { readonly seconds?: number; readonly nanos?: number } };
  readonly ErrorInfo?: { readonly reason: string; readonly domain: string };
}

/** The details of a status by the names of their messages. */
export function readDetails(bytes: Uint8Array): StatusDetails {
  const { code, message, details = [] } = decode('Status', bytes) as Status;
  const entries = details.map(({ typeUrl, value }) => {
    const name = typeUrl.replace('type.googleapis.com/google.rpc.', '');
    return [name, decode(name, value)] as const;
  });
  return { code, message, ...Object.fromEntries(entries) };
}

/** The details of a call that failed; `undefined` where it has none. */
export function detailsOf({ metadata }: { readonly metadata: Metadata }): StatusDetails | undefined {
  const [bytes] = metadata.get('grpc-status-details-bin');
  return bytes === undefined ? undefined : readDetails(bytes as Buffer);
}

/** The error that a call ends with. */
export async function failure(call: Promise<unknown>): Promise<ServiceError> {
  return call.then(
    () => Promise.reject(new Error('the call did not fail')),
    (error: ServiceError) => error,
  );
}

function decode(name: string, bytes: Uint8Array): object {
  const type = root.lookupType(name);
  return type.toObject(type.decode(bytes), { longs: Number, arrays: false });
}
