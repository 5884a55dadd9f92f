import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { captureLog } from '../../../test/support/captured-log.js';
import { fp32 } from '../../core/tensor/kinds.js';
import { signature } from '../../core/model/signature.js';
import { defineModel, serve, type TestServer } from '../../testing/index.js';
import { OpenapiModule } from './openapi.module.js';

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly security?: readonly object[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema: object }>>;

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const Doubler = defineModel('doubler', signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } }), ({ x }) => ({
  y: x.map((value) => 2 * value),
}));

const KEY = 'a-key-of-the-operators-0001';

captureLog();

let server: TestServer;
let document: Document;
beforeAll(async () => {
  server = await serve(Doubler, {
    environment: { OPENAPI: 'true', API_KEYS: `ops:${KEY}` },
    headers: { 'x-api-key': KEY },
  });
  document = await read(server);
});
afterAll(() => server.close());

const read = async (from: TestServer): Promise<Document> => (await from.rest.get('/v2/openapi.json')).json as Document;

const described = ({ paths }: Document): string[] =>
  Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );

/** The routes as the document is to write them. */
const registered = ({ routes }: TestServer): string[] =>
  routes.map(({ method, url }) =>
    `${method} ${url}`.replace(':model(.+)::predict', '{model}:predict').replaceAll(/(?<=\/):(\w+)/g, '{$1}'),
  );

const operations = (): readonly Operation[] =>
  Object.values(document.paths).flatMap((methods) => Object.values(methods));

describe('the document', () => {
  it('has every route that is registered, described, and nothing else', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(described(document).sort()).toEqual(registered(server).sort());
    expect(described(document).length).toBeGreaterThan(35);
    // A route without a summary has no `@Describe` beside its handler.
    const silent = Object.entries(document.paths).filter(([, all]) =>
      Object.values(all).some(({ summary }) => !summary),
    );
    expect(silent.map(([path]) => path)).toEqual([]);
    const ids = operations().map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('refers to schemas that it has', () => {
    const referred = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name = '']) => name,
    );
    expect([...new Set(referred)].sort()).toEqual(Object.keys(document.components.schemas).sort());
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining(['InferenceRequest', 'InferenceResponse', 'ModelMetadata', 'ServerMetadata', 'Error']),
    );
  });

  it('says of an operation what it takes, by its path too, how it fails, and how callers say who they are', async () => {
    expect(document.paths['/v2/models/{model}/infer']?.['post']).toMatchObject({
      tags: ['inference'],
      parameters: [{ name: 'model', in: 'path', required: true, schema: { type: 'string' } }],
      requestBody: { required: true },
      security: [{ key: [] }, { bearer: [] }],
    });
    expect(document.paths['/v2/logging']?.['post']).toMatchObject({ requestBody: { required: false } });
    expect(Object.keys(document.paths['/v1/models/{model}']?.['get']?.responses ?? {})).toContain('503');
    expect(document.components).toMatchObject({
      securitySchemes: { key: { type: 'apiKey', name: 'x-api-key' }, bearer: { scheme: 'bearer' } },
    });
    expect((await server.rest.get('/v2/openapi.json')).headers.get('content-type')).toContain('application/json');
  });

  it('A10 says what is closed, is closed itself, and stands under the path of MLServer too', async () => {
    const open = described(document).filter((route) => {
      const [method = '', path = ''] = route.split(' ');
      return document.paths[path]?.[method.toLowerCase()]?.security === undefined;
    });
    expect(open.sort()).toEqual(['GET /v2/health/live', 'GET /v2/health/ready']);
    expect((await fetch(`${server.addresses.http}/v2/openapi.json`)).status).toBe(401);
    expect((await server.rest.get('/v2/docs/dataplane.json')).json).toEqual(document);
  });

  it('loses what goes with a module, and asks for no credentials where none are needed', async () => {
    const environment = { OPENAPI: 'true', CORS_ORIGINS: 'https://a.example' };
    await using small = await serve([], { environment, extensions: [OpenapiModule] });
    const rest = await read(small);
    // CORS answers for any path, which is no route of the document.
    expect(registered(small)).toContain('OPTIONS *');
    expect(described(rest).sort()).toEqual(
      registered(small)
        .filter((route) => !route.includes('*'))
        .sort(),
    );
    expect(described(rest)).not.toContain('POST /v2/models/{model}/generate');
    expect(Object.keys(rest.components.schemas)).not.toContain('GenerateRequest');
    expect(JSON.stringify(rest)).not.toContain('security');
  });

  it('A64 is not served unless it is asked for', async () => {
    await using plain = await serve();
    expect((await plain.rest.get('/v2/openapi.json')).status).toBe(404);
  });
});

describe('what the server takes and answers', () => {
  /** Holds a value against a schema of the document, by the validator of Fastify; empty where it fits. */
  async function misfit(schema: object | undefined, value: unknown): Promise<string> {
    const absolute = (part: object): object =>
      JSON.parse(JSON.stringify(part).replaceAll('"#/components', '"http://document/#/components')) as object;
    const options = { coerceTypes: false, removeAdditional: false, useDefaults: false, strict: false } as const;
    const checker = Fastify({ ajv: { customOptions: options } });
    checker.addSchema({ $id: 'http://document/', components: document.components });
    checker.post('/', { schema: { body: absolute(schema ?? {}) } }, () => 'fits');
    const { body } = await checker.inject({ method: 'POST', url: '/', payload: value as object });
    return body === 'fits' ? '' : body;
  }

  const REQUEST = {
    id: 'r-1',
    parameters: { sequence_id: 1, note: 'x', flag: true },
    inputs: [{ name: 'x', datatype: 'FP32', shape: [2], data: [1, 2] }],
    outputs: [{ name: 'y', parameters: { binary_data: false } }],
  };

  const CALLS: readonly { readonly call: string; readonly body?: object }[] = [
    { call: 'GET /v2' },
    { call: 'GET /v2/models' },
    { call: 'GET /v2/models/{model}' },
    { call: 'GET /v2/models/{model}/versions/{version}' },
    { call: 'GET /v2/models/{model}/config' },
    { call: 'GET /v2/health/live' },
    { call: 'GET /v2/health/ready' },
    { call: 'GET /v2/models/{model}/ready' },
    { call: 'POST /v2/models/{model}/infer', body: REQUEST },
    { call: 'POST /v2/models/{model}/generate', body: { x: [1, 2] } },
    { call: 'POST /v2/repository/index', body: { ready: true } },
    { call: 'POST /v2/repository/models/{model}/load', body: { parameters: {} } },
    { call: 'GET /v2/models/{model}/stats' },
    { call: 'GET /v2/systemsharedmemory/status' },
    { call: 'GET /v2/cudasharedmemory/status' },
    { call: 'GET /v2/trace/setting' },
    { call: 'POST /v2/logging', body: { log_verbose_level: 0 } },
    { call: 'GET /v1/models' },
    { call: 'GET /v1/models/{model}' },
    { call: 'POST /v1/models/{model}:predict', body: { instances: [1, 2] } },
  ];

  it.each(CALLS)('is as the document says: $call', async ({ call, body }) => {
    const [method = '', template = ''] = call.split(' ');
    const operation = document.paths[template]?.[method.toLowerCase()];
    const path = template.replace('{model}', 'doubler').replace('{version}', '1');
    const reply = await (method === 'GET' ? server.rest.get(path) : server.rest.post(path, body));
    expect(reply.status).toBe(200);
    const schemaOf = (content: Content | undefined) => content?.['application/json']?.schema;
    expect(schemaOf(operation?.responses['200']?.content)).toBeDefined();
    expect(await misfit(schemaOf(operation?.responses['200']?.content), reply.json)).toBe('');
    if (body === undefined) return;
    expect(schemaOf(operation?.requestBody?.content)).toBeDefined();
    expect(await misfit(schemaOf(operation?.requestBody?.content), body)).toBe('');
  });

  it('and so are failures', async () => {
    const schema = document.paths['/v2/models/{model}']?.['get']?.responses['default']?.content?.['application/json'];
    expect(await misfit(schema?.schema, (await server.rest.get('/v2/models/nobody')).json)).toBe('');
    expect(await misfit(schema?.schema, { detail: 'no' })).toContain("must have required property 'error'");
  });

  it('and what does not fit, does not', async () => {
    const { schemas } = document.components;
    expect(await misfit(schemas['InferenceResponse'], { model_name: 'm' })).toContain("'outputs'");
    const wrong = { ...REQUEST, inputs: [{ ...REQUEST.inputs[0], datatype: 'FLOAT' }] };
    expect(await misfit(schemas['InferenceRequest'], wrong)).toContain('datatype');
  });
});
