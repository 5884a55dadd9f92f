import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { echoModels } from '../support/echo-models.js';
import { FULL_SCALE, atScale } from '../support/full-scale.js';
import { HttpSocket } from '../support/http-socket.js';
import { inferPath, onlyOutput, post, rpc } from '../support/wires.js';
import { surviving } from './survives.js';

/** F25 to F28: bodies of all sizes, packed and in pieces. */

const LIMIT = 1_048_576;
const server = surviving(echoModels([-1]), { environment: { MAX_MESSAGE_BYTES: String(LIMIT) } });

const path = inferPath('echo_INT32');
const good = '{"inputs":[{"name":"x","datatype":"INT32","shape":[2],"data":[1,2]}]}';

/** A good body of exactly so many bytes. */
const padded = (length: number): string => good + ' '.repeat(length - good.length);

const send = (body: string | Buffer, headers: Readonly<Record<string, string>> = {}) =>
  post(path, body, headers)(server());
const sendAs = (coding: string, body: Buffer, headers: Readonly<Record<string, string>> = {}) =>
  send(body, { 'content-encoding': coding, ...headers });

const TOO_LARGE = new RegExp(
  `^request JSON size of \\d+ bytes exceeds the maximum allowed input size of ${LIMIT} bytes\\. Use MAX_MESSAGE_BYTES`,
);

describe('rest', () => {
  it('F25: a body exactly at the limit', async () => {
    expect(onlyOutput(await send(padded(LIMIT))).data).toEqual([1, 2]);
  });

  it('F25: a body one byte over the limit', async () => {
    expect(await send(padded(LIMIT + 1))).toMatchObject({
      status: 400,
      message: expect.stringMatching(TOO_LARGE) as unknown,
    });
  });

  it.each([
    ['at the limit', LIMIT, 200],
    ['one byte over', LIMIT + 1, 400],
  ])('F25: a body that is unpacked %s', async (_, length, status) => {
    expect(await sendAs('gzip', gzipSync(padded(length)))).toMatchObject({ status });
  });

  it.each([
    ['gzip', gzipSync(good)],
    ['GZIP', gzipSync(good)],
    ['deflate', deflateSync(good)],
    ['deflate', deflateRawSync(good)],
    ['identity', Buffer.from(good)],
  ])('F26: a body in %s', async (coding, body) => {
    expect(onlyOutput(await sendAs(coding, body)).data).toEqual([1, 2]);
  });

  it('F26: the header length counts unpacked bytes', async () => {
    const json = '{"inputs":[{"name":"x","datatype":"INT32","shape":[2],"parameters":{"binary_data_size":8}}]}';
    const packed = gzipSync(Buffer.concat([Buffer.from(json), Buffer.from('0100000002000000', 'hex')]));
    const header = 'inference-header-content-length';
    expect(onlyOutput(await sendAs('gzip', packed, { [header]: String(json.length) })).data).toEqual([1, 2]);
    expect(await sendAs('gzip', packed, { [header]: String(json.length + 9) })).toMatchObject({
      status: 400,
      message: `inference header size should be in range (0, ${json.length + 8}), got: ${json.length + 9}`,
    });
  });

  it('F26: the control plane is read in every coding too', async () => {
    const answer = await post('/v2/repository/index', gzipSync('{"ready":true}'), { 'content-encoding': 'gzip' })(
      server(),
    );
    expect(answer.status).toBe(200);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
  ])('F26: %s that expands 1000 times', async (coding, pack) => {
    const bomb = pack(Buffer.alloc(LIMIT * atScale(1_000, 100)));
    expect(bomb.length).toBeLessThan(LIMIT);
    expect(await sendAs(coding, bomb)).toMatchObject({
      status: 400,
      message: expect.stringMatching(TOO_LARGE) as unknown,
    });
  });

  it('F26: many bombs at a time', async () => {
    const bomb = gzipSync(Buffer.alloc(LIMIT * 50));
    const answers = await Promise.all(Array.from({ length: 20 }, () => sendAs('gzip', bomb)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]));
  });

  it.each(['gzip, gzip', 'gzip,deflate', 'br', 'zstd', 'compress', 'x-gzip', 'nonsense', '*'])(
    'F26: the coding %s',
    async (coding) => {
      const reply = await server().rest.post(path, gzipSync(gzipSync(good)), { 'content-encoding': coding });
      expect(reply).toMatchObject({
        status: 501,
        json: { error: expect.stringMatching(/^Unsupported compression type/) as unknown },
      });
      expect(reply.headers.get('accept-encoding')).toBe('gzip, deflate');
    },
  );

  const cut = gzipSync(good).subarray(0, -9);
  it.each([
    ['gzip that ends early', 'gzip', cut, /it ends too early/],
    ['deflate that ends early', 'deflate', deflateSync(good).subarray(0, -3), /it ends too early/],
    ['gzip of nothing at all', 'gzip', Buffer.alloc(0), /it ends too early|the body is empty/],
    ['no gzip', 'gzip', Buffer.from(good), /incorrect header check/],
    ['no deflate', 'deflate', Buffer.from(good), /./],
    [
      'a wrong checksum',
      'gzip',
      Buffer.concat([gzipSync(good).subarray(0, -8), Buffer.alloc(8)]),
      /incorrect data check/,
    ],
    ['garbage in its middle', 'gzip', Buffer.concat([cut.subarray(0, 20), Buffer.alloc(40, 0xff)]), /./],
    [
      'garbage behind its end',
      'deflate',
      Buffer.concat([deflateSync(good), Buffer.from('{}')]),
      /2 bytes are left over/,
    ],
  ])('F27: %s', async (_, coding, body, problem) => {
    const answer = await sendAs(coding, body);
    expect(answer.status).toBe(400);
    expect(answer.message).toMatch(problem);
    expect(answer.message).toMatch(/^(?:Unable to decompress the request body as (?:gzip|deflate): |Unable to parse)/);
  });

  it.each([atScale(1_000_000, 100_000)])('F28: %d chunks of one byte', async (count) => {
    const socket = new HttpSocket(server());
    const before = process.memoryUsage.rss();
    await socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`);
    const started = performance.now();
    const piece = Buffer.from('1\r\n \r\n'.repeat(10_000));
    for (let sent = 0; sent < count; sent += 10_000) await socket.write(piece);
    const text = await socket.exchange('0\r\n\r\n');
    expect(socket.statuses).toEqual([400]);
    expect(text).toContain(
      'Chunked request body exceeds maximum of 65536 non-empty chunks. Send fewer or larger HTTP chunks.',
    );
    // Linear in their number, on a slow machine too; only those before the limit take memory.
    expect(performance.now() - started).toBeLessThan(count / 20);
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 2 ** 20);
  });

  it('F28: as many chunks as allowed', async () => {
    const socket = new HttpSocket(server());
    await socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`);
    for (const character of padded(65_536)) socket.socket.write(`1\r\n${character}\r\n`);
    await socket.exchange('0\r\n\r\n');
    expect(socket.statuses).toEqual([200]);
  });

  it.runIf(FULL_SCALE)('F28: packed bytes in chunks of one byte', async () => {
    const socket = new HttpSocket(server());
    await socket.write(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    for (let sent = 0; sent < 1_000_000; sent += 10_000) await socket.write('1\r\nx\r\n'.repeat(10_000));
    await socket.exchange('0\r\n\r\n');
    expect(socket.statuses).toEqual([400]);
  });
});

describe('grpc', () => {
  const request = (bytes: number) => ({
    model_name: 'echo_UINT8',
    inputs: [{ name: 'x', datatype: 'UINT8', shape: [bytes] }],
    raw_input_contents: [Buffer.alloc(bytes)],
  });

  it('F25: a message below the limit, and one above it', async () => {
    expect(await rpc('ModelInfer', request(LIMIT - 200))(server())).toMatchObject({ status: 'OK' });
    expect(await rpc('ModelInfer', request(LIMIT))(server())).toMatchObject({ status: 'RESOURCE_EXHAUSTED' });
  });
});
