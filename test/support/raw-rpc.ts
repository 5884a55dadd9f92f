import { Client, credentials, type Metadata, Metadata as GrpcMetadata, status } from '@grpc/grpc-js';
import { loadContracts } from '../../src/protocol/grpc/contracts.js';
import type { TestServer } from '#testing';

/** How a call ended, and what came back before that. */
export interface RpcOutcome {
  readonly replies: readonly Buffer[];
  readonly status: string;
  readonly details: string;
  readonly trailers: Metadata;
}

/** Calls any path with any number of messages, as no generated client would. */
export async function callRaw(
  server: TestServer,
  path: string,
  messages: readonly Buffer[],
  headers: Readonly<Record<string, string>> = {},
): Promise<RpcOutcome> {
  const client = new Client(server.addresses.grpc, credentials.createInsecure());
  const metadata = new GrpcMetadata();
  for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(path, same, same, metadata);
  const replies: Buffer[] = [];
  try {
    return await new Promise((resolve) => {
      call.on('data', (reply: Buffer) => replies.push(reply));
      // The status tells the same.
      call.on('error', () => undefined);
      call.on('status', ({ code, details, metadata: trailers }) =>
        resolve({ replies, status: status[code], details, trailers }),
      );
      for (const message of messages) call.write(message);
      call.end();
    });
  } finally {
    client.close();
  }
}

const same = (bytes: Buffer): Buffer => bytes;

const service = loadContracts()['inference.GRPCInferenceService'] as unknown as Record<
  string,
  { readonly requestSerialize: (message: object) => Buffer }
>;

/** A message as the bytes on the wire. */
export function encodeMessage(method: string, message: object): Buffer {
  const definition = service[method];
  if (definition === undefined) throw new TypeError(`there is no rpc ${method}`);
  return definition.requestSerialize(message);
}
