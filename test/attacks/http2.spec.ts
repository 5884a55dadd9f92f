import { constants } from 'node:http2';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { int32, signature, uint8 } from '#core';
import { defineModel } from '#testing';
import { InferenceLimits } from '../../src/inference/inference-limits.js';
import { expectService, surviving } from '../faults/survives.js';
import { atScale } from '../support/full-scale.js';
import { callFramed, grpcFrame, INFER, openSession, openStream, outcomeOf } from '../support/http2-call.js';
import {
  ACK,
  callHeaders,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  GOAWAY,
  headerBlock,
  type HeaderPair,
  HEADERS,
  Http2Socket,
  PING,
  PRIORITY,
  PUSH_PROMISE,
  RST_STREAM,
  setting,
  SETTINGS,
  uint32,
  WINDOW_UPDATE,
} from '../support/http2-frames.js';
import { retainedBytes } from '../support/memory.js';
import { encodeMessage } from '../support/raw-rpc.js';

/** The attacks on the gRPC server that speak HTTP/2 badly, or not at all. */

const MB = 2 ** 20;
const LIVE = '/inference.GRPCInferenceService/ServerLive';

/** Answers a few bytes with a megabyte. */
const Wide = defineModel('wide', signature({ inputs: { x: int32(1) }, outputs: { y: uint8(-1) } }), () => ({
  y: uint8.of([MB], new Uint8Array(MB).fill(7)),
}));
const askWide = grpcFrame(
  encodeMessage('ModelInfer', {
    model_name: 'wide',
    inputs: [{ name: 'x', datatype: 'INT32', shape: [1], contents: { int_contents: [1] } }],
  }),
);

const server = surviving([Wide], {
  environment: { MAX_MESSAGE_BYTES: String(2 * MB), REQUEST_TIMEOUT_MS: '1000', STREAM_STALL_MS: '1000' },
});

afterEach(() => vi.waitFor(() => expect(server().get(InferenceLimits).inFlight).toBe(0), { timeout: 10_000 }));

const { NGHTTP2_CANCEL, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_INTERNAL_ERROR, NGHTTP2_ENHANCE_YOUR_CALM } = constants;

async function withSocket<T>(run: (socket: Http2Socket) => Promise<T>, start?: Buffer): Promise<T> {
  const socket = new Http2Socket(server(), ...(start === undefined ? [] : [start]));
  try {
    return await run(socket);
  } finally {
    socket.destroy();
  }
}

/** Opens stream 1 with these header fields, and an empty message that ends it. */
const begin = (pairs: readonly HeaderPair[], length = 5): Buffer =>
  Buffer.concat([frame(HEADERS, END_HEADERS, 1, headerBlock(pairs)), frame(DATA, END_STREAM, 1, Buffer.alloc(length))]);

const without = (name: string): HeaderPair[] => callHeaders(LIVE).filter(([key]) => key !== name);
const replaced = (name: string, value: string): HeaderPair[] =>
  callHeaders(LIVE).map(([key, old]) => [key, key === name ? value : old]);

describe('A41: pseudo-headers that stand twice', () => {
  it.each<[string, HeaderPair[]]>([
    [':path', [[':path', '/grpc.health.v1.Health/Check'], ...callHeaders(LIVE)]],
    [':method', [[':method', 'GET'], ...callHeaders(LIVE)]],
    [':scheme', [[':scheme', 'https'], ...callHeaders(LIVE)]],
    [':authority', [[':authority', 'elsewhere'], ...callHeaders(LIVE)]],
    [':path, the second time behind the others', [...callHeaders(LIVE), [':path', LIVE]]],
  ])('A41: %s', async (_, pairs) => {
    expect(
      await withSocket(async (socket) => {
        await socket.write(begin(pairs));
        return socket.refusal(1);
      }),
    ).toEqual({ reset: NGHTTP2_PROTOCOL_ERROR });
  });
});

describe('A43: floods of frames', () => {
  const opened = frame(HEADERS, END_HEADERS, 1, headerBlock(callHeaders(INFER)));
  const halfOpened = frame(HEADERS, 0, 1, headerBlock(callHeaders(LIVE)));
  const none = Buffer.alloc(0);

  /** Writes so many of a frame behind the first ones, and gives how the connection ended, if it did. */
  async function flood(socket: Http2Socket, first: Buffer, one: Buffer, times: number): Promise<void> {
    await socket.write(first);
    const block = Buffer.concat(Array.from({ length: 1_000 }, () => one));
    for (let sent = 0; sent < times && !socket.ended; sent += 1_000) await socket.write(block);
    await socket.settled();
  }

  it.each<[string, Buffer, Buffer]>([
    ['CONTINUATION that bring nothing', halfOpened, frame(CONTINUATION, 0, 1)],
    ['CONTINUATION with headers', halfOpened, frame(CONTINUATION, 0, 1, headerBlock([['a', 'b'.repeat(500)]]))],
    ['PING', none, frame(PING, 0, 0, Buffer.alloc(8))],
    ['answers to PING that nobody sent', none, frame(PING, ACK, 0, Buffer.alloc(8))],
    ['SETTINGS that say nothing', none, frame(SETTINGS, 0, 0)],
    ['SETTINGS', none, frame(SETTINGS, 0, 0, setting(4, 65_535))],
    ['answers to SETTINGS that nobody sent', none, frame(SETTINGS, ACK, 0)],
    ['DATA that bring nothing', opened, frame(DATA, 0, 1)],
  ])('A43: %s end the connection that sends them', async (_, first, one) => {
    await withSocket(async (socket) => {
      await flood(socket, first, one, atScale(1_000_000, 50_000));
      await socket.refused();
      expect(socket.frames.filter(({ type }) => type === DATA)).toEqual([]);
    });
  });

  it.each<[string, Buffer, Buffer]>([
    ['WINDOW_UPDATE by 1', none, frame(WINDOW_UPDATE, 0, 0, uint32(1))],
    ['PRIORITY of streams that are not', none, frame(PRIORITY, 0, 1, Buffer.alloc(5))],
    ['frames of a kind that nobody knows', none, frame(0xfe, 0, 0, Buffer.alloc(8))],
    ['header blocks behind the first', opened, frame(HEADERS, END_HEADERS, 1, headerBlock([['a', 'b']]))],
    ['DATA of padding alone', opened, frame(DATA, 8, 1, Buffer.alloc(9, Buffer.from([8])))],
  ])('A43: %s are read over, without memory', async (_, first, one) => {
    const before = await retainedBytes();
    await withSocket(async (socket) => {
      await flood(socket, first, one, atScale(1_000_000, 50_000));
      expect(socket.ended).toBe(false);
      expect((await retainedBytes()) - before).toBeLessThan(4 * MB);
    });
  });

  it.each<[string, Buffer]>([
    ['a window that grows by 0', frame(WINDOW_UPDATE, 0, 0, uint32(0))],
    ['the window of a stream that grows by 0', Buffer.concat([opened, frame(WINDOW_UPDATE, 0, 1, uint32(0))])],
    ['a window beyond 2^31', Buffer.alloc(26, frame(WINDOW_UPDATE, 0, 0, uint32(0x7fff_ffff)))],
    ['an initial window beyond 2^31', frame(SETTINGS, 0, 0, setting(4, 0x8000_0000))],
    ['2 000 settings in one frame', frame(SETTINGS, 0, 0, Buffer.alloc(12_000, setting(3, 1)))],
    ['a header table of 16 MB', frame(HEADERS, END_HEADERS, 1, Buffer.from([0x3f, 0xe1, 0xff, 0xff, 0x07]))],
    ['a header that points beyond the table', frame(HEADERS, END_HEADERS, 1, Buffer.from([0xff, 0xff, 0x7f]))],
    ['a frame beyond the size that was agreed', frame(DATA, 0, 1, Buffer.alloc(20_000))],
    ['a reset of a stream that is not', frame(RST_STREAM, 0, 1, uint32(8))],
    ['data of a stream that is not', frame(DATA, 0, 1, Buffer.alloc(5))],
    ['a push', frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.alloc(5))],
    ['a stream with a number of the server', frame(HEADERS, END_HEADERS, 2, headerBlock(callHeaders(LIVE)))],
    ['another frame within a header block', Buffer.concat([halfOpened, frame(PING, 0, 0, Buffer.alloc(8))])],
  ])('A43: %s ends the connection', async (_, bytes) => {
    const refusal = await withSocket(async (socket) => {
      await socket.write(bytes);
      return socket.refusal(1);
    });
    expect(refusal).toEqual({ goaway: expect.any(Number) as unknown });
    expect(refusal).not.toEqual({ goaway: 0 });
  });

  it.each([200, 2_000])('A43: %i headers are more than a call may have', async (count) => {
    const pairs = Array.from({ length: count }, (): HeaderPair => ['x', 'b']);
    expect(
      await withSocket(async (socket) => {
        await socket.write(begin([...callHeaders(LIVE), ...pairs]));
        return socket.refusal(1);
      }),
    ).toEqual({ reset: NGHTTP2_ENHANCE_YOUR_CALM });
  });

  it('A43: resets, as in rapid reset, end the connection after a thousand, and no other', async () => {
    const openAndReset = (call: number): Buffer =>
      Buffer.concat([
        frame(HEADERS, END_HEADERS, 1 + 2 * call, headerBlock(callHeaders(INFER))),
        frame(RST_STREAM, 0, 1 + 2 * call, uint32(NGHTTP2_CANCEL)),
      ]);
    const bystander = openSession(server());
    expect(await outcomeOf(openStream(bystander, LIVE).end(Buffer.alloc(5)))).toMatchObject({ status: 'OK' });
    await withSocket(async (socket) => {
      const isRefused = (): boolean => socket.frames.some(({ type }) => type === GOAWAY);
      let calls = 0;
      const resetMore = async (times: number): Promise<void> => {
        await socket.write(...Array.from({ length: times }, () => openAndReset(calls++)));
        await socket.settled();
      };
      await resetMore(1_000);
      expect(isRefused()).toBe(false);
      for (let block = 0; block < 100 && !isRefused(); block++) await resetMore(100);
      expect(isRefused()).toBe(true);
      expect(await socket.refusal(0)).toEqual({ goaway: NGHTTP2_INTERNAL_ERROR });
    });
    expect(await outcomeOf(openStream(bystander, LIVE).end(Buffer.alloc(5)))).toMatchObject({ status: 'OK' });
    bystander.destroy();
  });

  it('A43: header blocks without an end hold nobody else up', async () => {
    const before = await retainedBytes();
    const sockets = Array.from({ length: atScale(1_000, 200) }, () => new Http2Socket(server()));
    try {
      await Promise.all(sockets.map((socket) => socket.write(halfOpened)));
      await Promise.all(sockets.map((socket) => socket.next(({ type }) => type === SETTINGS)));
      await expectService(server());
      expect((await retainedBytes()) - before).toBeLessThan(sockets.length * 65_536);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    await Promise.all(sockets.map(({ closed }) => closed));
  });
});

describe('A43: clients that read slowly', () => {
  /** Opens a connection that takes no byte of any reply, and asks so often for a megabyte. */
  async function unread(socket: Http2Socket, calls: number): Promise<void> {
    await socket.write(frame(SETTINGS, 0, 0, setting(4, 0)));
    await socket.settled();
    for (let call = 0; call < calls && !socket.ended; call++) {
      const stream = 1 + 2 * call;
      const headers = frame(HEADERS, END_HEADERS, stream, headerBlock(callHeaders(INFER)));
      await socket.write(headers, frame(DATA, END_STREAM, stream, askWide));
      if (call % 16 === 15) await socket.settled();
    }
  }

  /** Asks for more than one connection may have, and gives how many replies were kept for it. */
  async function overfill(): Promise<number> {
    return withSocket(async (socket) => {
      await unread(socket, 1_000);
      // The first streams beyond what the connection may hold are refused, then the connection.
      await socket.closed;
      const resets = socket.frames.filter(({ type }) => type === RST_STREAM);
      expect(resets.map(({ payload }) => payload.readUInt32BE(0))).toContain(NGHTTP2_ENHANCE_YOUR_CALM);
      expect(socket.frames.filter(({ type }) => type === DATA)).toEqual([]);
      return socket.frames.filter(({ type }) => type === HEADERS).length;
    });
  }

  // The memory of the process grows to what one of them takes, and stays so.
  beforeAll(overfill);

  it('A43: cannot make the server keep more replies than one connection may have', async () => {
    const before = await retainedBytes();
    const kept = await overfill();
    expect(kept).toBeGreaterThan(8);
    expect(kept).toBeLessThan(128);
    await vi.waitFor(async () => expect((await retainedBytes()) - before).toBeLessThan(4 * MB), { timeout: 10_000 });
  });

  it('A43: are given up when a call has taken as long as it may', async () => {
    const outcome = await withSocket(async (socket) => {
      await unread(socket, 4);
      return Promise.race([socket.refusal(1), patience(2_500)]);
    });
    expect(outcome).toEqual({ reset: expect.any(Number) as unknown });
  });

  it('A43: get a reply that was begun before the deadline passed, and one end', async () => {
    await withSocket(async (socket) => {
      const open = (stream: number, path: string, timeout: string): Buffer =>
        frame(HEADERS, END_HEADERS, stream, headerBlock([...callHeaders(path), ['grpc-timeout', timeout]]));
      const endOf = (stream: number) =>
        socket.next((sent) => sent.type === HEADERS && (sent.flags & END_STREAM) !== 0 && sent.stream === stream);
      await socket.write(frame(SETTINGS, 0, 0, setting(4, 0)));
      await socket.settled();
      await socket.write(open(1, INFER, '100m'), frame(DATA, END_STREAM, 1, askWide));
      await socket.next(({ type, stream }) => type === HEADERS && stream === 1);
      // Its deadline is the later one.
      await socket.write(open(3, LIVE, '100m'));
      await endOf(3);
      await socket.write(frame(WINDOW_UPDATE, 0, 0, uint32(2 * MB)), frame(WINDOW_UPDATE, 0, 1, uint32(2 * MB)));
      await endOf(1);
      const received = socket.frames.filter(({ type, stream }) => type === DATA && stream === 1);
      expect(received.reduce((sum, { payload }) => sum + payload.length, 0)).toBeGreaterThan(MB);
    });
  });

  it('A43: byte by byte hold nobody else up', async () => {
    await withSocket(async (socket) => {
      await unread(socket, 4);
      for (let byte = 1; byte <= 50; byte++) {
        await socket.write(frame(WINDOW_UPDATE, 0, 1, uint32(1)));
        await socket.next(({ type, stream, payload }) => type === DATA && stream === 1 && payload.length === 1);
      }
      await expectService(server());
    });
  });
});

/** How long a test waits for what should have happened long before. */
const patience = (milliseconds: number): Promise<'nothing came'> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds, 'nothing came'));

describe('A44: streams that start wrongly', () => {
  const malformed: readonly (readonly [string, HeaderPair[]])[] = [
    ['no :path', without(':path')],
    ['an empty :path', replaced(':path', '')],
    ['a :path that is none', replaced(':path', 'inference')],
    ['a :path of all', replaced(':path', '*')],
    ['no :method', without(':method')],
    ['no :scheme', without(':scheme')],
    ['no :authority', without(':authority')],
    ['no header at all', []],
    ['a name in upper case', [...callHeaders(LIVE), ['X-Upper', 'a']]],
    ['a pseudo-header that nobody knows', [[':foo', 'a'], ...callHeaders(LIVE)]],
    ['a pseudo-header of replies', [[':status', '200'], ...callHeaders(LIVE)]],
    ['a pseudo-header behind the others', [['a', 'b'], ...callHeaders(LIVE)]],
    ['a protocol', [[':protocol', 'websocket'], ...callHeaders(LIVE)]],
    ['a header of the connection', [...callHeaders(LIVE), ['connection', 'close']]],
    ['a transfer coding', [...callHeaders(LIVE), ['transfer-encoding', 'chunked']]],
    ['trailers of another kind', replaced('te', 'gzip')],
    ['a length that is none', [...callHeaders(LIVE), ['content-length', '-1']]],
    ['a length that is wrong', [...callHeaders(LIVE), ['content-length', '3']]],
  ];

  it.each(malformed)('A44: with %s are reset', async (_, pairs) => {
    expect(
      await withSocket(async (socket) => {
        await socket.write(begin(pairs));
        return socket.refusal(1);
      }),
    ).toEqual({ reset: NGHTTP2_PROTOCOL_ERROR });
  });

  it('A44: ten thousand of them end the connection, and no other', async () => {
    await withSocket(async (socket) => {
      for (let call = 0; call < 10_000 && !socket.ended; call++) {
        const [, pairs = []] = malformed[call % malformed.length] ?? [];
        await socket.write(frame(HEADERS, END_HEADERS | END_STREAM, 1 + 2 * call, headerBlock(pairs)));
      }
      await socket.closed;
      expect(socket.frames.filter(({ type }) => type === HEADERS)).toEqual([]);
    });
  });

  const unsupported = { http: 415, status: '', reset: 0 };

  it.each<[string, Readonly<Record<string, string>>, object]>([
    ['no content type', { 'content-type': '' }, unsupported],
    ['text', { 'content-type': 'text/plain' }, unsupported],
    ['JSON', { 'content-type': 'application/json' }, unsupported],
    ['what only looks like gRPC', { 'content-type': 'x-application/grpc' }, unsupported],
    [
      'a path that nobody serves',
      { ':path': '/inference.GRPCInferenceService/Nope' },
      {
        http: 200,
        status: 'UNIMPLEMENTED',
        details: 'The server does not implement the method /inference.GRPCInferenceService/Nope',
      },
    ],
    ['a path in another case', { ':path': LIVE.toUpperCase() }, { http: 200, status: 'UNIMPLEMENTED' }],
    ['a path of a prototype', { ':path': '/__proto__/constructor' }, { http: 200, status: 'UNIMPLEMENTED' }],
    ['a path of 8 000 characters', { ':path': `/${'a'.repeat(8_000)}` }, { status: 'UNIMPLEMENTED' }],
    ['a query behind the path', { ':path': `${LIVE}?a=b` }, { http: 200, status: 'UNIMPLEMENTED' }],
    ['a timeout that is none', { 'grpc-timeout': 'soon' }, { status: 'INTERNAL' }],
    ['binary metadata that is none', { 'x-bin': '%%%' }, { status: 'OK' }],
    ['a header of the prototype', { ['__proto__']: 'a', constructor: 'b' }, { status: 'OK' }],
  ])('A44: with %s are answered', async (_, headers, expected) => {
    expect(await callFramed(server(), LIVE, Buffer.alloc(5), headers)).toMatchObject(expected);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it('A44: that want a tunnel get none', async () => {
    const session = openSession(server());
    const stream = session.request({
      ':method': 'CONNECT',
      ':authority': '127.0.0.1:22',
      'content-type': 'application/grpc',
    });
    stream.on('error', () => undefined);
    stream.resume();
    expect(await outcomeOf(stream)).toMatchObject({ status: 'UNIMPLEMENTED' });
    expect(await outcomeOf(openStream(session, LIVE).end(Buffer.alloc(5)))).toMatchObject({ status: 'OK' });
    session.destroy();
  });

  it('A44: without a message, or with two, are refused', async () => {
    const refused = (what: string) => ({
      status: 'UNIMPLEMENTED',
      details: `${INFER} got ${what}: send exactly one`,
    });
    const none = refused('no request message');
    expect(await callFramed(server(), INFER, Buffer.alloc(0))).toMatchObject(none);
    expect(await callFramed(server(), INFER, Buffer.alloc(3))).toMatchObject(none);
    const two = Buffer.concat([askWide, askWide]);
    expect(await callFramed(server(), INFER, two)).toMatchObject(refused('more than one request message'));
  });
});

describe('A44: other protocols on the port of gRPC', () => {
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

  it.each<[string, Buffer]>([
    ['a GET of HTTP/1.1', Buffer.from('GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n')],
    [
      'an inference of HTTP/1.1',
      Buffer.from(`POST ${INFER} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${'a'.repeat(100_000)}`),
    ],
    [
      'an upgrade from HTTP/1.1',
      Buffer.from(
        'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n',
      ),
    ],
    ['the hello of TLS', Buffer.from(`16030100c8010000c40303${'ab'.repeat(196)}`, 'hex')],
    ['zeros', Buffer.alloc(100_000)],
    ['a line', Buffer.from('\n')],
    ['the preface in another case', Buffer.from(preface.toString('latin1').toLowerCase())],
    ['garbage behind the preface', Buffer.concat([preface, Buffer.alloc(50_000, 0xff)])],
    ['another frame than SETTINGS behind the preface', Buffer.concat([preface, frame(PING, 0, 0, Buffer.alloc(8))])],
  ])('A44: %s ends the connection', async (_, bytes) => {
    await withSocket(async (socket) => {
      await socket.closed;
      expect(socket.frames.filter(({ type }) => type === HEADERS || type === DATA)).toEqual([]);
      const [goaway] = socket.frames.filter(({ type }) => type === GOAWAY);
      if (goaway !== undefined) expect(goaway.payload.readUInt32BE(4)).toBe(NGHTTP2_INTERNAL_ERROR);
    }, bytes);
  });

  it('A44: what says nothing at all holds nobody else up', async () => {
    const sockets = Array.from(
      { length: 200 },
      (_, index) => new Http2Socket(server(), preface.subarray(0, index % 24)),
    );
    await Promise.all(sockets.map((socket) => socket.next(({ type }) => type === SETTINGS)));
    await expectService(server());
    for (const socket of sockets) socket.destroy();
    await Promise.all(sockets.map(({ closed }) => closed));
  });
});
