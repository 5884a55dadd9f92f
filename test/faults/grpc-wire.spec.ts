import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { deflateSync, gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type InferContext, type Inputs, int32, Model, signature } from '#core';
import { defineModel } from '#testing';
import { InferenceLimits } from '../../src/inference/inference-limits.js';
import { ActiveCalls } from '../../src/protocol/call/active-calls.js';
import { Deferred } from '../../src/testing/deferred.js';
import { encodeMessage } from '../support/raw-rpc.js';
import { surviving } from './survives.js';

const values = signature({ inputs: { x: int32(-1) }, outputs: { y: int32(-1) } });

let gate: Deferred;
let started: Deferred;
let seen: AbortSignal | undefined;

const gated = defineModel('gated', values, async ({ x }, { signal }) => {
  seen = signal;
  started.resolve();
  await Promise.race([gate.promise, once(signal, 'abort')]);
  return { y: x };
});

let produced: number;
let ended: Deferred<unknown>;

/** Goes on for as long as someone reads. */
@Model('endless', values)
class EndlessModel {
  async *stream({ x }: Inputs<typeof values>, { signal }: InferContext) {
    try {
      for (; ; produced++) {
        yield { y: x };
        await setImmediate();
      }
    } finally {
      ended.resolve(signal.reason);
    }
  }
}

const LIMIT = 1_048_576;
const running = surviving([gated, EndlessModel], {
  environment: { MAX_MESSAGE_BYTES: String(LIMIT), STREAM_MAX_IN_FLIGHT: '4' },
});

let session: ClientHttp2Session;
let socket: Socket;

beforeEach(() => {
  gate = new Deferred();
  started = new Deferred();
  seen = undefined;
  produced = 0;
  ended = new Deferred();
  const { grpc } = running().addresses;
  const [host, port] = grpc.split(':');
  socket = connectTcp(Number(port), host);
  session = connect(`http://${grpc}`, { createConnection: () => socket });
  session.on('error', () => undefined);
});

afterEach(() => {
  gate.resolve();
  session.destroy();
});

const SERVICE = '/inference.GRPCInferenceService';

function open(method: string, headers: Readonly<Record<string, string>> = {}): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': `${SERVICE}/${method}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  stream.on('error', () => undefined);
  stream.resume();
  return stream;
}

/** The gRPC status that the server ends a stream with, in its headers or its trailers. */
function statusOf(stream: ClientHttp2Stream): Promise<number> {
  return new Promise((resolve) => {
    const note = (headers: Record<string, unknown>): void => {
      if (headers['grpc-status'] !== undefined) resolve(Number(headers['grpc-status']));
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('close', () => resolve(-1));
  });
}

function frame(message: Buffer, compressed = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

const streamed = (model_name: string): Buffer =>
  encodeMessage('ModelInfer', {
    model_name,
    inputs: [{ name: 'x', datatype: 'INT32', shape: [1], contents: { int_contents: [7] } }],
  });

const request = streamed('gated');

describe('F36 messages that are none', () => {
  it.each([
    ['bytes that do not decode', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])],
    ['a wire type that does not exist', Buffer.from([0x0f])],
    ['a varint without an end', Buffer.alloc(64, 0xff)],
  ])('%s end as INTERNAL', async (_, message) => {
    const stream = open('ModelInfer');
    const code = statusOf(stream);
    stream.end(frame(message));
    expect(await code).toBe(status.INTERNAL);
  });

  it('unknown fields are stepped over, however large', async () => {
    const stream = open('ModelInfer');
    const code = statusOf(stream);
    const unknown = Buffer.concat([Buffer.from([0xaa, 0x06, 0x80, 0x80, 0x20]), Buffer.alloc(524_288)]);
    gate.resolve();
    stream.end(frame(Buffer.concat([unknown, request])));
    expect(await code).toBe(status.OK);
  });
});

describe('F37 frames that promise too much', () => {
  it('a length of 4 GiB is refused at once', async () => {
    const stream = open('ModelInfer');
    const code = statusOf(stream);
    stream.write(Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]));
    expect(await code).toBe(status.RESOURCE_EXHAUSTED);
  });

  it('a message that is never finished ends with its deadline', async () => {
    const stream = open('ModelInfer', { 'grpc-timeout': '50m' });
    const code = statusOf(stream);
    stream.write(frame(request).subarray(0, 10));
    expect(await code).toBe(status.DEADLINE_EXCEEDED);
  });
});

describe('F38, A45 compressed messages', () => {
  it.each([
    ['gzip', gzipSync(request), 'gzip', status.OK],
    ['deflate', deflateSync(request), 'deflate', status.OK],
    ['garbage as gzip', Buffer.from('no gzip at all'), 'gzip', status.INTERNAL],
    ['an encoding that is unknown', request, 'br', status.UNIMPLEMENTED],
    ['a bomb', gzipSync(Buffer.alloc(64 * LIMIT)), 'gzip', status.RESOURCE_EXHAUSTED],
  ])('%s ends with its status', async (_, message, encoding, expected) => {
    gate.resolve();
    const stream = open('ModelInfer', { 'grpc-encoding': encoding });
    const code = statusOf(stream);
    stream.end(frame(message, 1));
    expect(await code).toBe(expected);
  });
});

describe('F39 timeouts', () => {
  it.each([
    ['soon', status.INTERNAL],
    ['1n', status.DEADLINE_EXCEEDED],
    ['0S', status.DEADLINE_EXCEEDED],
    ['2147484S', status.OK],
    ['99999999H', status.OK],
  ])('%s ends with %i', async (timeout, expected) => {
    if (expected === status.OK) gate.resolve();
    const stream = open('ModelInfer', { 'grpc-timeout': timeout });
    const code = statusOf(stream);
    stream.end(frame(request));
    expect(await code).toBe(expected);
  });
});

describe('F40, F41 calls that are given up', () => {
  it('a deadline in the model aborts it', async () => {
    const stream = open('ModelInfer', { 'grpc-timeout': '500m' });
    const code = statusOf(stream);
    stream.end(frame(request));
    await started.promise;
    expect(await code).toBe(status.DEADLINE_EXCEEDED);
    if (seen?.aborted === false) await once(seen, 'abort');
    expect(seen?.reason).toMatchObject({ code: 'deadline-exceeded' });
  });

  it('a reset in the model aborts it', async () => {
    const stream = open('ModelInfer');
    stream.end(frame(request));
    await started.promise;
    stream.close(constants.NGHTTP2_CANCEL);
    if (seen?.aborted === false) await once(seen, 'abort');
    expect(seen?.reason).toMatchObject({ code: 'cancelled' });
  });

  it('a connection that is cut in the model aborts it', async () => {
    const stream = open('ModelInfer');
    stream.end(frame(request));
    await started.promise;
    session.destroy();
    if (seen?.aborted === false) await once(seen, 'abort');
    expect(seen?.aborted).toBe(true);
  });

  it('resets that race with replies leave nothing behind', async () => {
    gate.resolve();
    for (let round = 0; round < 200; round++) {
      const stream = open('ModelInfer');
      stream.end(frame(request));
      if (round % 2 === 0) stream.close(constants.NGHTTP2_CANCEL);
      else await once(stream, 'close');
    }
  });
});

it.each(['the connection is destroyed', 'the socket is reset', 'the stream is reset'])(
  'F34 in the middle of a stream, %s: what runs for it is aborted',
  async (how) => {
    const stream = open('ModelStreamInfer');
    let replies = 0;
    const replied = new Deferred();
    stream.on('data', () => {
      if (++replies > 20) replied.resolve();
    });
    stream.write(frame(streamed('endless')));
    stream.write(frame(streamed('gated')));
    stream.write(frame(request).subarray(0, 10));
    await Promise.all([started.promise, replied.promise]);
    if (how === 'the connection is destroyed') session.destroy();
    else if (how === 'the socket is reset') socket.resetAndDestroy();
    else stream.close(constants.NGHTTP2_CANCEL);
    expect(await ended.promise).toMatchObject({ code: 'cancelled' });
    if (seen?.aborted === false) await once(seen, 'abort');
    expect(seen?.reason).toMatchObject({ code: 'cancelled' });
    const [limits, calls] = [running().get(InferenceLimits), running().get(ActiveCalls)];
    await vi.waitFor(() => expect([limits.inFlight, calls.size]).toEqual([0, 0]));
    const before = produced;
    for (let round = 0; round < 5; round++) await running().grpc.call('ServerLive');
    expect(produced).toBe(before);
  },
);

it('F42 a sender whose requests are not taken is stopped by flow control', async () => {
  const stream = open('ModelStreamInfer');
  const message = frame(Buffer.concat([request, Buffer.from([0xaa, 0x06, 0x80, 0x80, 0x04]), Buffer.alloc(65_536)]));
  let sent = 0;
  for (let index = 0; index < 4_000; index++) stream.write(message, () => (sent += message.length));
  await started.promise;
  let before = -1;
  while (before !== sent) {
    before = sent;
    for (let round = 0; round < 20; round++) await running().grpc.call('ServerLive');
  }
  // What the windows hold, and a few messages that were taken, of 250 MiB.
  expect(sent).toBeLessThan(24 * 2 ** 20);
  stream.close(constants.NGHTTP2_CANCEL);
  await once(stream, 'close');
});

it('F46 streams beyond the cap are refused', async () => {
  await once(session, 'remoteSettings');
  const { maxConcurrentStreams = 0 } = session.remoteSettings;
  expect(maxConcurrentStreams).toBe(1_024);
  // A client that does not keep to the cap: HTTP/2 lets the server refuse what is beyond it.
  const streams = Array.from({ length: 3_000 }, () => open('ModelStreamInfer'));
  await running().grpc.call('ServerLive');
  for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
});

it('A33 a storm of resets ends the connection that sends it, or is endured', async () => {
  for (let round = 0; round < 20 && !session.destroyed; round++) {
    const streams = Array.from({ length: 250 }, () => open('ModelInfer'));
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    await running().grpc.call('ServerLive');
  }
});
