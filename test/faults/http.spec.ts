import { describe, expect, it } from 'vitest';
import { echoModels } from '../support/echo-models.js';
import { rawPost, speak } from '../support/raw-http.js';
import { inferPath, onlyOutput, post } from '../support/wires.js';
import { surviving } from './survives.js';

/** F29 to F32: headers that lie about the body. */

const server = surviving(echoModels([-1]));

const path = inferPath('echo_INT32');
const body = '{"inputs":[{"name":"x","datatype":"INT32","shape":[2],"data":[1,2]}]}';
const bad = body.replace('[2]', '[3]');

const say = (headers: readonly string[], text = body) => speak(server(), rawPost(path, headers, text));

describe('rest', () => {
  it('F29: a body as long as it says is read', async () => {
    const { statuses, text } = await say([`Content-Length: ${body.length}`]);
    expect(statuses).toEqual([200]);
    expect(text).toContain('"data":[1,2]');
  });

  it.each([
    ['more than the body has', [`Content-Length: ${body.length + 1}`], 'the connection ended before the body did'],
    ['far more than the body has', ['Content-Length: 60000000'], 'the connection ended before the body did'],
    ['twice, different', [`Content-Length: ${body.length}`, 'Content-Length: 1'], 'Duplicate Content-Length'],
    ['twice, the same', Array.from({ length: 2 }, () => `Content-Length: ${body.length}`), 'Duplicate Content-Length'],
    ['before Transfer-Encoding', ['Content-Length: 9', 'Transfer-Encoding: chunked'], 'present with Content-Length'],
    ['after Transfer-Encoding', ['Transfer-Encoding: chunked', 'Content-Length: 9'], 'present with Transfer-Encoding'],
    ['negative', ['Content-Length: -1'], 'Invalid character in Content-Length'],
    ['hexadecimal', ['Content-Length: 0x45'], 'Invalid character in Content-Length'],
    ['a list', [`Content-Length: ${body.length}, ${body.length}`], 'Invalid character in Content-Length'],
    ['beyond 64 bits', ['Content-Length: 99999999999999999999'], 'Content-Length overflow'],
    ['absent, chunks without sizes', ['Transfer-Encoding: chunked'], 'Invalid character in chunk size'],
    ['absent, a coding that nobody knows', ['Transfer-Encoding: chunked, identity'], 'Transfer-Encoding'],
  ])('F29: Content-Length %s', async (_, headers, problem) => {
    const { statuses, text } = await say(headers);
    expect(statuses).toEqual([400]);
    expect(text).toMatch(/\{"error":"Parse Error: .*"\}$/);
    expect(text).toContain(problem);
  });

  it('F29: Content-Length above the limit is refused before the body comes', async () => {
    const { statuses, text } = await say(['Content-Length: 99999999999'], '');
    expect(statuses).toEqual([400]);
    expect(text).toMatch(/request JSON size of 99999999999 bytes exceeds the maximum allowed input size of /);
  });

  it('F29: Content-Length smaller than the body', async () => {
    const { statuses, text } = await say([`Content-Length: ${body.length - 3}`]);
    expect(statuses[0]).toBe(400);
    expect(statuses).not.toContain(200);
    expect(text).toMatch(/Unable to parse 'inputs'|Parse Error: Data after/);
  });

  it.each(['-1', '99999999999', '9'.repeat(400), 'abc', '0x10', '1e1', '+5', '1.0', ' ', '5;', '5, 5', 'NaN', '√'])(
    'F30: Inference-Header-Content-Length %j',
    async (length) => {
      const { statuses, text } = await say([
        `Content-Length: ${body.length}`,
        `Inference-Header-Content-Length: ${length}`,
      ]);
      expect(statuses).toEqual([400]);
      expect(text).toMatch(/inference header size should be in range \(0, 69\), got: /);
    },
  );

  it('F30: Inference-Header-Content-Length twice', async () => {
    const { statuses } = await say([
      `Content-Length: ${body.length}`,
      `Inference-Header-Content-Length: ${body.length}`,
      `Inference-Header-Content-Length: ${body.length}`,
    ]);
    expect(statuses).toEqual([400]);
  });

  it.each([
    ['shorter than the JSON', String(body.length - 1), 400],
    ['longer than the body', String(body.length + 1), 400],
    ['the whole body', String(body.length), 200],
    ['the whole body, with zeros in front', `000${body.length}`, 200],
  ])('F30: Inference-Header-Content-Length %s', async (_, length, status) => {
    const answer = await post(path, body, { 'inference-header-content-length': length })(server());
    expect(answer).toMatchObject({ status });
  });

  it.each(['inference-header-content-length: 0', 'Inference-Header-Content-Length: 00'])(
    'F30: %s makes the whole body the only input',
    async (header) => {
      const { statuses, text } = await say(['Content-Length: 8', header], '\u0001\0\0\0\u0002\0\0\0');
      expect(statuses).toEqual([200]);
      expect(text).toContain('"binary_data_size":8');
    },
  );

  const binary = (inputs: string, blob: Buffer) => {
    const header = Buffer.from(`{"inputs":[${inputs}]}`);
    return post(path, Buffer.concat([header, blob]), {
      'inference-header-content-length': String(header.length),
    })(server());
  };
  const claim = (size: string, name = 'x', shape = '[2]'): string =>
    `{"name":"${name}","datatype":"INT32","shape":${shape},"parameters":{"binary_data_size":${size}}}`;

  it.each(['-1', '-8', '1.5', '"8"', 'true', 'null', '[8]', '1e400', '9007199254740993', '-0.5', 'NaN'])(
    'F31: binary_data_size %s',
    async (size) => {
      expect(await binary(claim(size), Buffer.alloc(8))).toMatchObject({
        status: 400,
        message: expect.stringMatching(/binary_data_size.*'x'/) as unknown,
      });
    },
  );

  it.each([
    [
      'past the body',
      claim('9'),
      8,
      /^unexpected size for input 'x', expecting 1 additional bytes for model 'echo_INT32'$/,
    ],
    [
      'far past the body',
      claim('9007199254740991'),
      8,
      /^unexpected size for input 'x', expecting \d+ additional bytes/,
    ],
    [
      'sums past the body',
      `${claim('8')},${claim('8', 'y')}`,
      12,
      /^unexpected size for input 'y', expecting 4 additional/,
    ],
    ['sums past 2^53', `${claim('8')},${claim('9007199254740991', 'y')}`, 12, /^unexpected size for input 'y'/],
    ['both want all', `${claim('8')},${claim('8', 'y')}`, 8, /^unexpected size for input 'y', expecting 8 additional/],
    ['less than the body', claim('8'), 9, /^unexpected additional input data for model 'echo_INT32': 1 bytes/],
    ['other than the shape', claim('8', 'x', '[3]'), 8, /input 'x' .*Expected 12, got 8$/],
    [
      'beside data',
      claim('8').replace('"shape"', '"data":[1,2],"shape"'),
      8,
      /more than one field is set for input 'x'/,
    ],
  ])('F31: binary_data_size %s', async (_, inputs, length, message) => {
    expect(await binary(inputs, Buffer.alloc(length))).toMatchObject({
      status: 400,
      message: expect.stringMatching(message) as unknown,
    });
  });

  it('F31: binary data that no header announced', async () => {
    const { status, message } = await post(path, Buffer.concat([Buffer.from(body), Buffer.alloc(8)]))(server());
    expect([status, message]).toEqual([400, expect.stringMatching(/^Unable to parse 'inputs'/)]);
    expect(await post(path, `{"inputs":[${claim('8')}]}`)(server())).toMatchObject({
      status: 400,
      message: expect.stringMatching(/^unexpected size for input 'x', expecting 8 additional bytes/) as unknown,
    });
  });

  it.each([
    'Content-Type:  application/json',
    'Content-Type:\tapplication/json\t',
    'Content-Type: APPLICATION/JSON',
    'content-type: application/json;',
    'Content-Type: application/json; charset=utf-16',
    'Content-Type: ;',
    'Content-Type: ',
    'Content-Type: application/json; boundary="',
    'Content-Type: multipart/form-data',
    'Content-Type: application/x-www-form-urlencoded',
    'Content-Type: text/plain;charset=UTF-8',
    'Content-Type: not a type at all',
    'Content-Type: __proto__',
    'X-No-Content-Type: at all',
  ])('F32: %j changes nothing', async (header) => {
    const fine = await say([`Content-Length: ${body.length}`, header]);
    expect([fine.statuses, fine.text]).toEqual([[200], expect.stringContaining('"data":[1,2]')]);
    const refused = await say([`Content-Length: ${bad.length}`, header], bad);
    expect([refused.statuses, refused.text]).toEqual([[400], expect.stringContaining("input 'x' has shape [3]")]);
  });

  it('F32: a space before the colon is no header', async () => {
    const { statuses } = await say([`Content-Length: ${body.length}`, 'Content-Type : application/json']);
    expect(statuses).toEqual([400]);
  });

  it('F32: two content types', async () => {
    const { statuses } = await say([
      `Content-Length: ${body.length}`,
      'Content-Type: application/json',
      'Content-Type: text/plain',
    ]);
    expect(statuses).toEqual([200]);
  });

  it('leaves the server able to read an honest body', async () => {
    expect(onlyOutput(await post(path, body)(server())).data).toEqual([1, 2]);
  });
});
