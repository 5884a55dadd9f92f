import type { Server } from '@grpc/grpc-js';
import { constants, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Session } from 'node:http2';
import { replaceStreams } from './stream-table.js';

/** What a stream, and a connection, may have on its way before the receiver says that it took it. */
const STREAM_WINDOW = 8 * 1024 * 1024;
const SESSION_WINDOW = 32 * 1024 * 1024;

const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** The longest deadline that grpc-js can count, in milliseconds. */
const LONGEST_TIMEOUT_MS = 2_147_483_647;

/**
 * Sets what grpc-js has no option for on the HTTP/2 server below it: windows that large tensors need, and deadlines
 * that do not overflow; the settings of HTTP/2 are one object, which is replaced as a whole. Gives the connections to
 * come. Throws when this version of grpc-js keeps its servers elsewhere.
 */
export function tuneHttp2(server: Server, maxConcurrentStreams: number): Sessions {
  const { http2Servers } = server as unknown as { readonly http2Servers?: unknown };
  if (!(http2Servers instanceof Map) || http2Servers.size === 0) {
    throw new Error('this version of @grpc/grpc-js has no http2Servers: pin the version that the lock file names');
  }
  const sessions = new Sessions();
  for (const http2 of http2Servers.keys() as Iterable<Http2Server>) {
    http2.updateSettings({ initialWindowSize: STREAM_WINDOW, maxConcurrentStreams });
    http2.on('session', (session: ServerHttp2Session) => {
      session.setLocalWindowSize(SESSION_WINDOW);
      replaceStreams(session);
      sessions.add(session);
    });
    http2.prependListener('stream', (_stream: unknown, headers: IncomingHttpHeaders) => {
      const timeout = headers['grpc-timeout'];
      if (typeof timeout === 'string') headers['grpc-timeout'] = clampTimeout(timeout);
    });
  }
  return sessions;
}

/** The connections of a server. */
export class Sessions {
  private readonly open = new Set<ServerHttp2Session>();
  private closed: (() => void) | undefined;

  add(session: ServerHttp2Session): void {
    this.open.add(session);
    session.once('close', () => {
      this.open.delete(session);
      if (this.open.size === 0) this.closed?.();
    });
  }

  /** Tells the clients to go; resolves when they are gone, of whom those are cut off that still stream after so long. */
  async close(milliseconds: number): Promise<void> {
    await this.settled(milliseconds);
    for (const session of this.open) session.destroy(undefined, constants.NGHTTP2_CANCEL);
  }

  private async settled(milliseconds: number): Promise<void> {
    if (this.open.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.closed = () => {
        clearTimeout(timer);
        resolve();
      };
      for (const session of this.open) session.close();
    });
  }
}

/**
 * A longer timeout than grpc-js can count becomes the longest one: it counts milliseconds in 32 bits, and would let it
 * expire at once. What is no timeout is left for grpc-js to refuse.
 */
export function clampTimeout(timeout: string): string {
  const [, digits = '', unit = ''] = TIMEOUT.exec(timeout) ?? [];
  const milliseconds = Number(digits) * (UNIT_MS[unit] ?? 0);
  return milliseconds <= LONGEST_TIMEOUT_MS ? timeout : `${Math.floor(LONGEST_TIMEOUT_MS / 1_000)}S`;
}
