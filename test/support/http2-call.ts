import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { status } from '@grpc/grpc-js';
import type { TestServer } from '#testing';

/** A call of gRPC whose bytes a test writes itself. */

export const INFER = '/inference.GRPCInferenceService/ModelInfer';
export const STREAM = '/inference.GRPCInferenceService/ModelStreamInfer';

/** A message behind its flag and its length. */
export function grpcFrame(message: Buffer, flag = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

export interface Http2Outcome {
  /** The name of the gRPC status; empty for none. */
  readonly status: string;
  readonly details: string;
  /** The status of HTTP; 0 for none. */
  readonly http: number;
  /** The code of the reset that ended the stream; 0 for none. */
  readonly reset: number;
}

export function openSession(server: TestServer): ClientHttp2Session {
  const session = connect(`http://${server.addresses.grpc}`);
  session.on('error', () => undefined);
  return session;
}

export function openStream(
  session: ClientHttp2Session,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  stream.on('error', () => undefined);
  stream.resume();
  return stream;
}

/** How a stream ended. */
export function outcomeOf(stream: ClientHttp2Stream): Promise<Http2Outcome> {
  let seen: Record<string, unknown> = {};
  const note = (headers: Record<string, unknown>): void => {
    seen = { ...seen, ...headers };
  };
  stream.on('response', note);
  stream.on('trailers', note);
  return new Promise((resolve) => {
    stream.on('close', () => {
      const code = seen['grpc-status'] as string | undefined;
      resolve({
        status: code === undefined ? '' : (status[Number(code)] ?? code),
        details: decodeURIComponent((seen['grpc-message'] as string | undefined) ?? ''),
        http: Number(seen[':status'] ?? 0),
        reset: stream.rstCode ?? 0,
      });
    });
  });
}

/** Sends one body on a connection of its own. */
export async function callFramed(
  server: TestServer,
  path: string,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<Http2Outcome> {
  const session = openSession(server);
  try {
    const stream = openStream(session, path, headers);
    const outcome = outcomeOf(stream);
    stream.end(body);
    return await outcome;
  } finally {
    session.destroy();
  }
}
