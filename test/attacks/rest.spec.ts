import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { defineModel } from '#testing';
import { surviving } from '../faults/survives.js';
import { vector } from '../support/engine.js';
import { atScale } from '../support/full-scale.js';
import { HttpSocket } from '../support/http-socket.js';
import { inferPath, post } from '../support/wires.js';

/** The attacks on the REST server: floods, bombs, headers that lie, and requests that two servers read in two ways. */

const LIMIT = 8 * 2 ** 20;

let inferences = 0;
const counting = defineModel('counting', vector, ({ x }) => {
  inferences++;
  return { y: x };
});
const server = surviving([counting], { environment: { MAX_MESSAGE_BYTES: String(LIMIT) } });

const path = inferPath('counting');
const good = '{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1,2]}]}';
const bad = good.replace('[2]', '[3]');

const exchange = (...parts: readonly (string | Buffer)[]) =>
  new HttpSocket(server()).exchange(Buffer.concat(parts.map((part) => Buffer.from(part as string))));

/** A POST of an inference with further headers, each with its line end. */
const rawPost = (headers: string, body = good, length = `Content-Length: ${Buffer.byteLength(body)}\r\n`): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${length}${headers}\r\n${body}`;

const statusesOf = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

describe('A30: a flood of chunks', () => {
  const flood = async (size: number): Promise<number> => {
    const socket = new HttpSocket(server());
    await socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const started = performance.now();
    const piece = '1\r\n[\r\n'.repeat(10_000);
    for (let sent = 0; sent < size; sent += 10_000) await socket.write(piece);
    await socket.exchange('0\r\n\r\n');
    expect(socket.statuses).toEqual([400]);
    return performance.now() - started;
  };

  it('A30: of one byte each takes a time that grows with their number alone', async () => {
    const part = await flood(100_000);
    const whole = await flood(atScale(1_000_000, 300_000));
    expect(whole).toBeLessThan(part * atScale(40, 12) + 1_000);
  });

  it('A30: with extensions is cut short by the parser', async () => {
    const text = await exchange(
      rawPost('', '', 'Transfer-Encoding: chunked\r\n'),
      `1;${'a'.repeat(20_000)}=b\r\n{\r\n0\r\n\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 (?:400|413) /);
  });

  it('A30: with trailers without end is cut short by the parser', async () => {
    const trailers = Array.from({ length: 2_000 }, (_, i) => `X-${i}: ${'a'.repeat(20)}\r\n`).join('');
    const text = await exchange(rawPost('', '', 'Transfer-Encoding: chunked\r\n'), `0\r\n${trailers}\r\n`);
    expect(statusesOf(text)[0]).toBeGreaterThanOrEqual(400);
  });
});

describe('A34: JSON of 250 000 levels', () => {
  const DEPTH = 250_000;
  const arrays = (core: string): string => '['.repeat(DEPTH) + core + ']'.repeat(DEPTH);
  const objects = (core: string): string => '{"a":'.repeat(DEPTH) + core + '}'.repeat(DEPTH);
  const input = (data: string): string => good.replace('[1,2]', data);

  it.each([
    ['the root, of arrays', path, arrays('')],
    ['the root, of objects', path, objects('1')],
    ['the root, without an end', path, '['.repeat(DEPTH)],
    ['data', path, input(arrays('1,2'))],
    ['data, without an end', path, `{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":${'['.repeat(DEPTH)}`],
    ['data that our own scanner reads', path, input(arrays('NaN,2'))],
    ['parameters', path, `{"parameters":${objects('1')},${good.slice(1)}`],
    ['a parameter', path, `{"parameters":{"deep":${arrays('1')}},${good.slice(1)}`],
    ['ready', '/v2/repository/index', `{"ready":${arrays('true')}}`],
    ['the parameters of a load', '/v2/repository/models/probe/load', `{"parameters":${objects('1')}}`],
  ])('A34: at %s', async (_, to, body) => {
    const started = performance.now();
    expect(await post(to, body)(server())).toMatchObject({
      status: 400,
      message: expect.stringMatching(/./) as unknown,
    });
    expect(await post(to, gzipSync(body), { 'content-encoding': 'gzip' })(server())).toMatchObject({ status: 400 });
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('A36: bombs', () => {
  const TOO_LARGE = /^request JSON size of \d+ bytes exceeds the maximum allowed input size of 8388608 bytes/;
  const spaces = Buffer.alloc(atScale(1_024, 128) * 2 ** 20, ' ');

  it.each([
    ['gzip', gzipSync(spaces)],
    ['deflate', deflateSync(spaces)],
    ['gzip', Buffer.concat(Array.from({ length: 200 }, () => gzipSync(Buffer.alloc(2 ** 20))))],
  ])('A36: of %s, one after the other, leave no memory behind', async (coding, bomb) => {
    const rss: number[] = [];
    for (let round = 0; round < atScale(50, 10); round++) {
      expect(await post(path, bomb, { 'content-encoding': coding })(server())).toMatchObject({
        status: 400,
        message: expect.stringMatching(TOO_LARGE) as unknown,
      });
      rss.push(process.memoryUsage.rss());
    }
    const half = rss.length / 2;
    expect(Math.max(...rss.slice(half)) - Math.max(...rss.slice(0, half))).toBeLessThan(64 * 2 ** 20);
  });

  it('A36: within a bomb, and in brotli, are not opened', async () => {
    const bomb = gzipSync(gzipSync(spaces));
    expect(await post(path, bomb, { 'content-encoding': 'gzip, gzip' })(server())).toMatchObject({ status: 501 });
    expect(await post(path, bomb, { 'content-encoding': 'br' })(server())).toMatchObject({ status: 501 });
    expect(await post(path, bomb, { 'content-encoding': 'gzip' })(server())).toMatchObject({ status: 400 });
  });

  it('A36: that expand within the limit into arrays that have no place in their shape', async () => {
    const zeros = `[${'0,'.repeat(2_000_000)}0]`;
    const body = gzipSync(good.replace('[1,2]', zeros));
    expect(await post(path, body, { 'content-encoding': 'gzip' })(server())).toMatchObject({
      status: 400,
      message: expect.stringMatching(/Shape does not match true shape of 'data' field/) as unknown,
    });
  });
});

describe('A38: integers in headers', () => {
  const odd = [
    '-1',
    '-0',
    '+5',
    '1e3',
    '0x10',
    '1.5',
    ' ',
    'NaN',
    'Infinity',
    '٣',
    '9'.repeat(30),
    '18446744073709551616',
  ];

  it.each(odd)('A38: Inference-Header-Content-Length %j', async (value) => {
    const text = Buffer.from(rawPost(`Inference-Header-Content-Length: ${value}\r\n`)).toString('latin1');
    expect(statusesOf(await exchange(Buffer.from(text, 'latin1')))).toEqual([400]);
  });

  it.each(odd.filter((value) => value !== ' '))('A38: Content-Length %j', async (value) => {
    const answer = await exchange(rawPost('', good, `Content-Length: ${value}\r\n`));
    expect(statusesOf(answer)).toEqual([400]);
  });

  it.each(['-1', '-0.5', '1e400', '9007199254740992', '18446744073709551616', '"8"', '{}', '[]', 'null', 'true'])(
    'A38: binary_data_size %s',
    async (size) => {
      const json = `{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"parameters":{"binary_data_size":${size}}}]}`;
      const answer = await post(path, Buffer.concat([Buffer.from(json), Buffer.alloc(8)]), {
        'inference-header-content-length': String(json.length),
      })(server());
      expect(answer.status).toBe(400);
    },
  );
});

describe('A41: headers', () => {
  const POISON = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__', 'valueOf'];

  it.each(POISON)('A41: called %s change nothing', async (name) => {
    const text = await exchange(rawPost(`${name}: x\r\n${name}: polluted\r\n`));
    expect(statusesOf(text)).toEqual([200]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it.each(POISON)('A41: with the value %s change nothing', async (value) => {
    for (const header of ['Content-Encoding', 'Accept-Encoding', 'X-Request-Id', 'Content-Type', 'Authorization']) {
      const [status] = statusesOf(await exchange(rawPost(`${header}: ${value}\r\n`)));
      expect(status).toBe(header === 'Content-Encoding' ? 501 : 200);
    }
  });

  it.each([
    ['2 000 headers', 'X: a\r\n'.repeat(2_000)],
    ['2 000 headers of other names', Array.from({ length: 2_000 }, (_, i) => `X${i}: a\r\n`).join('')],
    ['a header of 1 MB', `X: ${'a'.repeat(2 ** 20)}\r\n`],
    ['a name of 1 MB', `${'a'.repeat(2 ** 20)}: x\r\n`],
    ['the same cookie a thousand times', 'Cookie: a=b\r\n'.repeat(1_000)],
  ])('A41: %s', async (_, headers) => {
    expect(statusesOf(await exchange(rawPost(headers)))).toEqual([431]);
  });

  it('A41: a list of ten thousand codings takes no time', async () => {
    const started = performance.now();
    const text = await exchange(rawPost(`Accept-Encoding: ${'a;q=0.1,'.repeat(1_800)}gzip\r\n`));
    expect(statusesOf(text)).toEqual([200]);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe('A42: no Content-Type skips what is checked', () => {
  it.each([
    undefined,
    '',
    ' application/json',
    '\tapplication/json',
    'APPLICATION/JSON',
    'application/json ; charset=utf-8',
    ';application/json',
    'application/json;;;',
    'application/json, text/plain',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    'application/octet-stream',
    'application/grpc',
    'text/event-stream',
    '*/*',
    'a'.repeat(10_000),
  ])('A42: %j', async (type) => {
    const header = type === undefined ? '' : `Content-Type: ${type}\r\n`;
    const before = inferences;
    const refused = await exchange(rawPost(header, bad));
    expect([statusesOf(refused), inferences - before]).toEqual([[400], 0]);
    expect(refused).toContain("input 'x' has shape [3]");
    expect(statusesOf(await exchange(rawPost(header)))).toEqual([200]);
    expect(inferences - before).toBe(1);
  });
});

describe('A49: requests that two servers read in two ways', () => {
  const SMUGGLED = `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${good.length}\r\n\r\n${good}`;
  const chunked = `${good.length.toString(16)}\r\n${good}\r\n0\r\n\r\n`;
  const start = `POST ${path} HTTP/1.1\r\nHost: a\r\n`;

  it.each([
    [
      'Content-Length, then Transfer-Encoding',
      `${start}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'Transfer-Encoding, then Content-Length',
      `${start}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    ],
    ['two lengths', `${start}Content-Length: 0\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`],
    ['two lengths in one', `${start}Content-Length: 0, ${SMUGGLED.length}\r\n\r\n`],
    ['two equal lengths', `${start}Content-Length: 0\r\nContent-Length: 0\r\n\r\n`],
    ['a length with a plus', `${start}Content-Length: +0\r\n\r\n`],
    ['a length with a blank', `${start}Content-Length: 0 0\r\n\r\n`],
    ['a folded header', `${start}X: a\r\n b\r\nContent-Length: 0\r\n\r\n`],
    ['a folded Transfer-Encoding', `${start}Transfer-Encoding:\r\n chunked\r\n\r\n${chunked}`],
    ['a blank before the colon', `${start}Transfer-Encoding : chunked\r\n\r\n${chunked}`],
    ['a blank before the first header', `POST ${path} HTTP/1.1\r\n Host: a\r\nContent-Length: 0\r\n\r\n`],
    ['a bare line feed behind the request line', `POST ${path} HTTP/1.1\nHost: a\r\nContent-Length: 0\r\n\r\n`],
    ['a bare line feed behind a header', `${start}X: a\nContent-Length: 0\r\n\r\n`],
    ['a bare line feed behind the last header', `${start}Content-Length: 0\n\r\n`],
    ['a bare carriage return in a header', `${start}X: a\rContent-Length: 0\r\n\r\n`],
    ['a bare line feed behind a chunk size', `${start}Transfer-Encoding: chunked\r\n\r\n0\n\r\n`],
    ['a bare line feed in a chunk extension', `${start}Transfer-Encoding: chunked\r\n\r\n1;a\nx\r\n0\r\n\r\n`],
    ['a chunk longer than its size', `${start}Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n`],
    ['a chunk size in other figures', `${start}Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n`],
    ['a chunk size beyond 64 bits', `${start}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n`],
    ['another coding behind chunked', `${start}Transfer-Encoding: chunked, identity\r\n\r\n${chunked}`],
    ['another name for chunked', `${start}Transfer-Encoding: xchunked\r\n\r\n${chunked}`],
    ['chunked twice', `${start}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`],
    ['chunked in HTTP/1.0', `POST ${path} HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`],
    ['a NUL in a header', `${start}X: a\0b\r\nContent-Length: 0\r\n\r\n`],
    ['a version of its own', `POST ${path} HTTP/1.3\r\nHost: a\r\nContent-Length: 0\r\n\r\n`],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('A49: %s', async (_, first) => {
    const before = inferences;
    const socket = new HttpSocket(server());
    await socket.write(`${first}${SMUGGLED}`);
    socket.socket.end();
    await socket.closed;
    expect(socket.statuses).toEqual([400]);
    expect(inferences - before).toBe(0);
  });

  it.each([
    ['two hosts', SMUGGLED.replace('Host: a', 'Host: a\r\nHost: b\r\nConnection: close')],
    ['no host', SMUGGLED.replace('Host: a', 'Connection: close')],
  ])('A49: %s', async (_, request) => {
    const before = inferences;
    expect(statusesOf(await exchange(request))).toEqual([400]);
    expect(inferences).toBe(before);
  });

  it('A49: what follows a body is the next request, and no part of it', async () => {
    const socket = new HttpSocket(server());
    await socket.write(`${SMUGGLED}${SMUGGLED.replace('Host: a', 'Host: a\r\nConnection: close')}`);
    await socket.closed;
    expect(socket.statuses).toEqual([200, 200]);
  });

  it('A49: a body on GET is read over, not run as a request', async () => {
    const before = inferences;
    const text = await exchange(
      `GET /v2/health/live HTTP/1.1\r\nHost: a\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
      'GET /v2/health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    expect(statusesOf(text)).toEqual([200, 200]);
    expect(inferences).toBe(before);
  });

  it('A49: an upgrade is not taken', async () => {
    const text = await exchange(
      'GET /v2/health/live HTTP/1.1\r\nHost: a\r\nConnection: close, upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\n\r\n',
    );
    expect(statusesOf(text)).toEqual([200]);
  });
});
