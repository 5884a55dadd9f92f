import { Controller, HttpCode, type PipeTransform, Post } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { type RestApp, startRest } from '../../../test/support/rest-app.js';
import type { EncodedRequest } from '../../core/inference/request.js';
import type { Received } from '../call/received.js';
import { RestCodec } from './codec/rest-codec.js';
import { HEADER_LENGTH_HEADER } from './request-header.js';
import { RestConfig } from './rest.config.js';
import { RestInferRequest } from './rest-infer.decorator.js';

class ContentsPipe implements PipeTransform<Received<EncodedRequest>> {
  transform({ request: { model, version, id, inputs, rawInput } }: Received<EncodedRequest>) {
    return { model, version, id, contents: inputs.map(({ contents }) => contents.kind), raw: rawInput?.byteLength };
  }
}

@Controller('v2/models/:model')
class InferController {
  @Post(['infer', 'versions/:version/infer'])
  @HttpCode(200)
  infer(@RestInferRequest(ContentsPipe) request: unknown) {
    return request;
  }
}

const BODY = '{"id":"i-7","inputs":[{"name":"x","datatype":"INT32","shape":[1],"data":[1]}]}';
const BINARY = '{"inputs":[{"name":"x","datatype":"INT32","shape":[1],"parameters":{"binary_data_size":4}}]}';

let rest: RestApp;

beforeAll(async () => {
  const codec = new RestCodec(new RestConfig());
  rest = await startRest({ controllers: [InferController], providers: [{ provide: RestCodec, useValue: codec }] });
});

afterAll(() => rest.app.close());

beforeEach(() => void (rest.observer.calls.length = 0));

async function post(path: string, body: string | Buffer, headers: Readonly<Record<string, string>> = {}) {
  const reply = await fetch(rest.url + path, { method: 'POST', body: Buffer.from(body), headers });
  const json = (await reply.json()) as Record<string, unknown>;
  return { status: reply.status, id: reply.headers.get('x-request-id'), json };
}

it.each([
  ['/v2/models/m/infer', 'm', ''],
  ['/v2/models/a%20%C3%A9%2Fb/infer?x=1', 'a é/b', ''],
  ['/v2/models/m/versions/3/infer', 'm', '3'],
])('reads the request of %s', async (path, model, version) => {
  const { status, json } = await post(path, BODY);
  expect([status, json]).toEqual([200, { model, version, id: 'i-7', contents: ['json'] }]);
  await vi.waitFor(() => expect(rest.observer.calls).toHaveLength(1));
  expect(rest.observer.calls[0]?.call).toMatchObject({ model, version });
});

it('reads binary data behind the JSON, and the raw request', async () => {
  const body = Buffer.concat([Buffer.from(BINARY), Buffer.alloc(4)]);
  const binary = await post('/v2/models/m/infer', body, { [HEADER_LENGTH_HEADER]: String(BINARY.length) });
  expect(binary.json).toMatchObject({ contents: ['raw'] });
  const raw = await post('/v2/models/m/infer', Buffer.alloc(8), { [HEADER_LENGTH_HEADER]: '0' });
  expect(raw.json).toMatchObject({ contents: [], raw: 8 });
});

it('takes the id of the body for the call, unless a header has one', async () => {
  expect((await post('/v2/models/m/infer', BODY)).id).toBe('i-7');
  expect((await post('/v2/models/m/infer', BODY, { 'x-request-id': 'h-1' })).id).toBe('h-1');
});

it.each([
  ['F22: empty', '', {}],
  ['F22: null', 'null', {}],
  ['F22: truncated', BODY.slice(0, -1), {}],
  ['F22: followed by garbage', `${BODY}{}`, {}],
  ['F24: nested 100,000 deep', '['.repeat(100_000), {}],
  ['F30: shorter than its header length', BODY, { [HEADER_LENGTH_HEADER]: '99999999999' }],
  ['F30: with a header length in hexadecimal', BODY, { [HEADER_LENGTH_HEADER]: '0x10' }],
  ['F31: shorter than its binary data', BINARY, { [HEADER_LENGTH_HEADER]: String(BINARY.length) }],
  ['F32: wrong under a wrong type', '{"inputs":1}', { 'content-type': ';' }],
])('refuses a body %s, and serves the next one', async (_, body, headers) => {
  const { status, json } = await post('/v2/models/m/infer', body, headers);
  expect([status, Object.keys(json)]).toEqual([400, ['error']]);
  expect((await post('/v2/models/m/infer', BODY)).status).toBe(200);
  await vi.waitFor(() => expect(rest.observer.calls).toHaveLength(2));
  expect(rest.observer.calls[0]).toMatchObject({
    call: { model: 'm' },
    outcome: { code: 'invalid-argument', status: 400 },
  });
});
