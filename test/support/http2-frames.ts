import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { TestServer } from '#testing';

/** HTTP/2 frame by frame, to write what no client of it would. */

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const HEAD_BYTES = 9;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream, 5);
  payload.copy(bytes, HEAD_BYTES);
  return bytes;
}

/** A 32-bit number: the code of a reset, the increment of a window. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id);
  bytes.writeUInt32BE(value, 2);
  return bytes;
}

export type HeaderPair = readonly [name: string, value: string];

/** Header fields as they stand, in HPACK's plainest form: neither indexed nor compressed. */
export const headerBlock = (pairs: readonly HeaderPair[]): Buffer =>
  Buffer.concat(pairs.flatMap(([name, value]) => [Buffer.alloc(1), hpackString(name), hpackString(value)]));

function hpackString(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}

/** The header fields of a well-formed call. */
export const callHeaders = (path: string): HeaderPair[] => [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', path],
  [':authority', 'localhost'],
  ['te', 'trailers'],
  ['content-type', 'application/grpc'],
];

/** Cuts a stream of bytes into frames. */
class FrameReader {
  private rest = Buffer.alloc(0);

  *push(chunk: Buffer): Generator<Frame> {
    let bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    while (bytes.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + bytes.readUIntBE(0, 3);
      if (bytes.length < end) break;
      const [type, flags, stream] = [bytes.readUInt8(3), bytes.readUInt8(4), bytes.readUInt32BE(5)];
      yield { type, flags, stream, payload: bytes.subarray(HEAD_BYTES, end) };
      bytes = bytes.subarray(end);
    }
    this.rest = Buffer.from(bytes);
  }
}

const open = ({ addresses }: Pick<TestServer, 'addresses'>): Socket => {
  const { hostname, port } = new URL(`http://${addresses.grpc}`);
  return connect(Number(port), hostname);
};

/** A connection to the gRPC server whose frames a test writes itself; it says no more than its preface by itself. */
export class Http2Socket {
  readonly frames: Frame[] = [];
  readonly socket: Socket;
  /** Resolves when the connection is closed, by whoever did it. */
  readonly closed: Promise<void>;
  private readonly reader = new FrameReader();
  private readonly waiting = new Set<() => void>();

  constructor(server: Pick<TestServer, 'addresses'>, start: Buffer = Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)])) {
    this.socket = open(server);
    this.socket.on('data', (chunk: Buffer) => {
      this.frames.push(...this.reader.push(chunk));
      this.wake();
    });
    // A reset after the answer is the answer's end too.
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => void this.socket.once('close', () => resolve()));
    void this.closed.then(() => this.wake());
    this.socket.write(start);
  }

  get ended(): boolean {
    return this.socket.destroyed;
  }

  /** Resolves when the kernel has taken the bytes, or the connection has ended. */
  async write(...parts: readonly Buffer[]): Promise<void> {
    if (this.ended) return;
    const taken = new Promise((resolve) => void this.socket.write(Buffer.concat(parts), resolve));
    await Promise.race([taken, this.closed]);
  }

  /** The first frame of the kind, once it has come; `undefined` when the connection ends without it. */
  async next(wanted: (frame: Frame) => boolean): Promise<Frame | undefined> {
    for (;;) {
      const found = this.frames.find(wanted);
      if (found !== undefined || this.ended) return found;
      await new Promise<void>((resolve) => this.waiting.add(resolve));
    }
  }

  /** Resolves when the server has read all that was written so far, or reads no more. */
  async settled(): Promise<void> {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(this.frames.length + 1);
    await this.write(frame(PING, 0, 0, payload));
    await this.next(({ type, flags, payload: sent }) => {
      return type === GOAWAY || (type === PING && flags === ACK && sent.equals(payload));
    });
  }

  /** Resolves when the server has said that it reads no more, or has closed the connection. */
  async refused(): Promise<void> {
    await this.next(({ type }) => type === GOAWAY);
  }

  /** How a stream, or the connection, ended: the code of its reset, or of the connection's end. */
  async refusal(stream: number): Promise<{ readonly reset: number } | { readonly goaway: number } | undefined> {
    const isEnd = (frame: Frame): boolean =>
      frame.type === GOAWAY || (frame.type === RST_STREAM && frame.stream === stream);
    const end = await this.next(isEnd);
    if (end === undefined) return undefined;
    return end.type === GOAWAY ? { goaway: end.payload.readUInt32BE(4) } : { reset: end.payload.readUInt32BE(0) };
  }

  destroy(): void {
    this.socket.destroy();
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }
}

/** Gives what is written in place of a frame. */
export type Rewrite = (frame: Frame) => Buffer;

/** A client of HTTP/2 whose frames are rewritten on their way, so that what it reads is still read by the library. */
export function connectRewritten(server: TestServer, rewrite: Rewrite): ClientHttp2Session {
  const session = connectHttp2(`http://${server.addresses.grpc}`, {
    createConnection: () => new RewritingConnection(open(server), rewrite),
  });
  session.on('error', () => undefined);
  return session;
}

class RewritingConnection extends Duplex {
  private readonly frames = new FrameReader();
  private preface = PREFACE.length;

  constructor(
    private readonly socket: Socket,
    private readonly rewrite: Rewrite,
  ) {
    super();
    socket.on('data', (chunk: Buffer) => this.push(chunk) || socket.pause());
    socket.on('end', () => this.push(null));
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.destroy());
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const start = chunk.subarray(0, this.preface);
    this.preface -= start.length;
    const rest = [...this.frames.push(chunk.subarray(start.length))].map(this.rewrite);
    this.socket.write(Buffer.concat([start, ...rest]), () => done());
  }

  override _final(done: () => void): void {
    this.socket.end(done);
  }

  override _destroy(_error: Error | null, done: (error: Error | null) => void): void {
    this.socket.destroy();
    done(null);
  }
}
