import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bytes, fp32, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { InferenceLimits } from '../../src/inference/inference-limits.js';
import { Deferred } from '../../src/testing/deferred.js';
import { captureLog } from '../support/captured-log.js';
import { atScale } from '../support/full-scale.js';
import { HttpSocket } from '../support/http-socket.js';
import { inferPath } from '../support/wires.js';
import { expectService, Probe, surviving } from './survives.js';

/** F33 to F35: callers who are slow, who leave, and who write headers that nobody should. */

const path = inferPath('probe');
const good = '{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1,2]}]}';
const head = (length: number, to = path): string => `POST ${to} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n`;

describe('slow callers', () => {
  const server = surviving([], {
    environment: { REST_HEADERS_TIMEOUT_MS: '150', REST_RECEIVE_TIMEOUT_MS: '600', REST_KEEP_ALIVE_TIMEOUT_MS: '50' },
  });

  /** Sends one byte after the other until the server has had enough. */
  async function drip(socket: HttpSocket, text: string): Promise<string> {
    let gone = false;
    void socket.closed.then(() => (gone = true));
    const slow = Readable.from(text);
    for await (const byte of slow) {
      if (gone) break;
      await socket.write(String(byte));
      await server().rest.get('/v2/health/live');
    }
    await socket.closed;
    return socket.text;
  }

  it('F33: headers that do not end', async () => {
    const socket = new HttpSocket(server());
    const text = await socket.exchange('GET /v2/health/live HTTP/1.1\r\nHost: a\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n[^]*\{"error":"[^"]+"\}$/);
  });

  it('F33: headers that come byte by byte', async () => {
    const socket = new HttpSocket(server());
    await socket.write('GET /v2/health/live HTTP/1.1\r\nX-Slow: ');
    expect(await drip(socket, 'a'.repeat(10_000))).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('F33: a body that comes byte by byte', async () => {
    const socket = new HttpSocket(server());
    await socket.write(`${head(20_000)}\r\n`);
    expect(await drip(socket, ' '.repeat(10_000))).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('F33: a packed body that does not come at all', async () => {
    const text = await new HttpSocket(server()).exchange(`${head(100)}Content-Encoding: gzip\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('F33: a connection that says nothing at all, and one that says nothing more', async () => {
    const silent = new HttpSocket(server());
    const idle = new HttpSocket(server());
    await idle.write('GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n');
    await Promise.all([silent.closed, idle.closed]);
    expect(idle.statuses).toEqual([200]);
    expect(silent.text).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
  });

  it('F33: many slow callers at a time keep nobody else waiting', async () => {
    const sockets = Array.from({ length: atScale(1_000, 100) }, () => new HttpSocket(server()));
    await Promise.all(sockets.map((socket) => socket.write(`${head(100)}\r\n`)));
    await expectService(server());
    await Promise.all(sockets.map(({ closed }) => closed));
    expect(new Set(sockets.flatMap(({ statuses }) => statuses))).toEqual(new Set([408]));
  });
});

describe('slow readers', () => {
  const flood = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
  const begun = new Deferred();
  const Flood = defineModel('flood', flood, ({ x }) => {
    begun.resolve();
    const [size = 0] = x.data;
    return { y: fp32.of([size], new Float32Array(size)) };
  });
  const server = surviving([Flood], { environment: { REST_SEND_TIMEOUT_MS: '100' } });
  const ask = (size: number): string => {
    const x = { name: 'x', datatype: 'FP32', shape: [1], data: [size] };
    const body = JSON.stringify({ inputs: [x], parameters: { binary_data_output: true } });
    return `${head(body.length, inferPath('flood'))}\r\n${body}`;
  };

  it('F33: a reply that nobody reads', async () => {
    const socket = new HttpSocket(server());
    await socket.write(ask(4_000_000));
    socket.socket.pause();
    const limits = server().get(InferenceLimits);
    await begun.promise;
    await vi.waitFor(() => expect(limits.inFlight).toBe(0), { timeout: 10_000 });
    socket.destroy();
  });

  it('F33: a pipelined reply that nobody reads', async () => {
    const socket = new HttpSocket(server());
    await socket.write(ask(500_000) + ask(4_000_000));
    await socket.received(2_000_000);
    socket.socket.pause();
    const limits = server().get(InferenceLimits);
    await vi.waitFor(() => expect(limits.inFlight).toBe(0), { timeout: 10_000 });
    socket.destroy();
  });

  it('F33: a reply that is read in time, and the next one on the same connection', async () => {
    const socket = new HttpSocket(server());
    for (let round = 1; round <= 2; round++) {
      await socket.write(ask(500_000));
      await socket.received(round * 2_000_000);
    }
    expect(socket.statuses).toEqual([200, 200]);
    socket.destroy();
  });
});

describe('callers who leave', () => {
  const log = captureLog();
  const waits = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
  const started: Deferred[] = [];
  const aborted: unknown[] = [];
  const Waiting = defineModel('waiting', waits, async ({ x }, { signal }) => {
    started.shift()?.resolve();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    aborted.push(signal.reason);
    return { y: x };
  });
  const large = signature({ inputs: { x: fp32(-1) }, outputs: { y: bytes(1) } });
  const Large = defineModel('large', large, () => ({ y: bytes.of([1], [Buffer.alloc(32 * 2 ** 20, 'x')]) }));

  let server: TestServer;
  beforeEach(async () => {
    server = await serve([Probe, Waiting, Large], { environment: { LOG_LEVEL: 'info', LOG_FORMAT: 'json' } });
  });
  afterEach(async () => {
    aborted.length = 0;
    await expectService(server);
    await server.close();
  });

  const lines = () =>
    log()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { level: string; operation?: string; code?: string; model?: string });
  const accesses = (model: string) => lines().filter((line) => line.model === model);

  /** Exactly one line for each call, saying that it was cancelled, and no error besides. */
  async function expectCancelled(model: string, count = 1): Promise<void> {
    await vi.waitFor(() => expect(accesses(model)).toHaveLength(count), { timeout: 5_000 });
    await expectService(server);
    expect(accesses(model).map(({ code }) => code)).toEqual(Array.from({ length: count }, () => 'cancelled'));
    expect(lines().filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  }

  it('F34: in the middle of the upload', async () => {
    const socket = new HttpSocket(server);
    await socket.write(`${head(1_000_000, inferPath('large'))}\r\n${good}`);
    await server.rest.get('/v2/health/live');
    socket.destroy();
    await expectCancelled('large');
  });

  it('F34: in the middle of the computation', async () => {
    const begun = new Deferred();
    started.push(begun);
    const socket = new HttpSocket(server);
    await socket.write(`${head(good.length, inferPath('waiting'))}\r\n${good}`);
    await begun.promise;
    socket.destroy();
    await expectCancelled('waiting');
    await vi.waitFor(() => expect(aborted).toEqual([expect.objectContaining({ code: 'cancelled' })]));
  });

  it('F34: in the middle of the response', async () => {
    const socket = new HttpSocket(server);
    await socket.write(`${head(good.length, inferPath('large'))}\r\n${good}`);
    await socket.received(100_000);
    socket.destroy();
    await expectCancelled('large');
  });

  it('F34: all at once', async () => {
    const count = atScale(1_000, 50);
    const sockets = Array.from({ length: count }, () => new HttpSocket(server));
    const begun = sockets.map(() => new Deferred());
    started.push(...begun);
    await Promise.all(sockets.map((socket) => socket.write(`${head(good.length, inferPath('waiting'))}\r\n${good}`)));
    await Promise.all(begun.map(({ promise }) => promise));
    for (const socket of sockets) socket.destroy();
    await expectCancelled('waiting', count);
    expect(aborted).toHaveLength(count);
  });
});

describe('odd requests', () => {
  const server = surviving();
  const exchange = (...parts: readonly string[]) => new HttpSocket(server()).exchange(parts.join(''));
  const close = 'Connection: close\r\n';

  it('F35: HTTP/1.0 is answered, and the connection closed', async () => {
    const text = await exchange(`POST ${path} HTTP/1.0\r\nContent-Length: ${good.length}\r\n\r\n${good}`);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*connection: close[^]*"data":\[2,3\]/i);
    expect(text).not.toMatch(/transfer-encoding/i);
  });

  it.each(['HTTP/0.9', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/1.', 'http/1.1', 'HTTP/1.1 '])('F35: %s', async (version) => {
    expect(await exchange(`GET /v2 ${version}\r\nHost: a\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 Bad Request/);
  });

  it('F35: pipelined requests are answered in their order', async () => {
    const socket = new HttpSocket(server());
    const one = `${head(good.length)}\r\n${good}`;
    const text = await socket.exchange(
      `${one}GET /v2/nothing HTTP/1.1\r\nHost: a\r\n\r\n${one}GET /v2/health/live HTTP/1.1\r\nHost: a\r\n${close}\r\n`,
    );
    expect(socket.statuses).toEqual([200, 404, 200, 200]);
    expect(text.indexOf('Not Found')).toBeGreaterThan(text.indexOf('"data":[2,3]'));
  });

  it('F35: a thousand pipelined requests', async () => {
    const socket = new HttpSocket(server());
    const one = `${head(good.length)}\r\n${good}`;
    await socket.exchange(`${one.repeat(999)}GET /v2/health/live HTTP/1.1\r\nHost: a\r\n${close}\r\n`);
    expect(socket.statuses).toEqual(Array.from({ length: 1_000 }, () => 200));
  });

  it('F35: 256 headers are taken, one more is refused', async () => {
    const headers = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: a\r\n`).join('');
    const request = (count: number) => `GET /v2/health/live HTTP/1.1\r\nHost: a\r\n${close}${headers(count - 2)}\r\n`;
    expect(await exchange(request(256))).toMatch(/^HTTP\/1\.1 200 /);
    const refused = await exchange(request(257));
    expect(refused).toMatch(/^HTTP\/1\.1 431 [^]*\{"error":"257 headers are more than the 256 allowed"\}$/);
  });

  it('F35: 10 000 headers', async () => {
    expect(await exchange('GET /v2 HTTP/1.1\r\nHost: a\r\n', 'X: a\r\n'.repeat(10_000), '\r\n')).toMatch(
      /^HTTP\/1\.1 431 Request Header Fields Too Large/,
    );
  });

  it.each([
    ['value', `X: ${'a'.repeat(65_536)}\r\n`],
    ['name', `${'a'.repeat(65_536)}: x\r\n`],
    ['path', ''],
  ])('F35: a header of 64 kB, its %s', async (what, header) => {
    const to = what === 'path' ? `/v2/${'a'.repeat(65_536)}` : '/v2';
    expect(await exchange(`GET ${to} HTTP/1.1\r\nHost: a\r\n${header}\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('F35: a header of 15 kB is taken', async () => {
    expect(await exchange(`GET /v2 HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(15_000)}\r\n${close}\r\n`)).toMatch(
      /^HTTP\/1\.1 200 /,
    );
  });
});

describe('connections', () => {
  const server = surviving([], { environment: { REST_MAX_CONNECTIONS: '20', REST_MAX_HEADER_BYTES: '2048' } });

  it('F35: beyond those allowed are closed, and come in when others have left', async () => {
    const ask = 'GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n';
    const sockets = Array.from({ length: 30 }, () => new HttpSocket(server()));
    await Promise.all(
      sockets.map(async (socket) => {
        await socket.write(ask);
        await Promise.race([socket.received(1), socket.closed]);
      }),
    );
    const answered = sockets.filter(({ statuses }) => statuses[0] === 200);
    expect(answered.length).toBeGreaterThan(10);
    expect(answered.length).toBeLessThanOrEqual(20);
    for (const socket of sockets) socket.destroy();
    await vi.waitFor(async () => {
      const socket = new HttpSocket(server());
      await socket.write(ask);
      await Promise.race([socket.received(1), socket.closed]);
      socket.destroy();
      expect(socket.statuses).toEqual([200]);
    });
  });

  it('F35: the limit of headers is a setting', async () => {
    const text = await new HttpSocket(server()).exchange(
      `GET /v2 HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(2_100)}\r\n\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
  });
});
