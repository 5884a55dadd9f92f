import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InferContext, type Inputs, int32, Model, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { HeaderForwarding } from '../../src/protocol/call/header-forwarding.js';
import { captureLog } from '../support/captured-log.js';
import {
  answerOfGrpc,
  answerOfRest,
  inferPath,
  type SentInference,
  toBody,
  toMessage,
  WIRES,
} from '../support/wires.js';

/** Headers become parameters where a pattern says so: section 1.7 and 3.6 of the reference. */

captureLog();

const values = signature({ inputs: { x: int32(1) }, outputs: { y: int32(1) } });

/** Tells in its response which parameters came. */
const echo = defineModel('echo', values, ({ x }, { parameters, response }) => {
  for (const [name, value] of parameters) response.parameters.set(name, value);
  return { y: x };
});

@Model('stream', values)
class Streaming {
  *stream({ x }: Inputs<typeof values>, { parameters, response }: InferContext) {
    for (const [name, value] of parameters) response.parameters.set(name, value);
    yield { y: x };
  }
}

const request: SentInference = {
  model: 'echo',
  inputs: [{ name: 'x', datatype: 'INT32', shape: [1], data: [1] }],
  parameters: { own: 'kept', 'x-tenant': 'of the body' },
};

interface Reply {
  readonly parameters?: Readonly<Record<string, unknown>>;
}

const PATTERN = '^x-|Priority$|^triton_|sequence_id';
let server: TestServer;

beforeAll(async () => {
  server = await serve([echo, Streaming], {
    environment: { HTTP_HEADER_FORWARD_PATTERN: PATTERN, GRPC_HEADER_FORWARD_PATTERN: PATTERN },
  });
});

afterAll(() => server.close());

type Headers = Readonly<Record<string, string>>;

const sendOver = {
  grpc: (headers: Headers, target: TestServer) =>
    answerOfGrpc(target.grpc.call('ModelInfer', toMessage(request), { metadata: headers })),
  rest: async (headers: Headers, target: TestServer) =>
    answerOfRest(await target.rest.post(inferPath('echo'), toBody(request).body, headers)),
};

/** The parameters that the model was given: those of gRPC are each a choice of one. */
const parametersOf = (reply: unknown): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries((reply as Reply).parameters ?? {}).map(([name, value]) => [
      name,
      typeof value === 'object' ? (value as { string_param?: string }).string_param : value,
    ]),
  );

describe.each(WIRES)('over %s', (wire) => {
  const send = (headers: Headers, target = server) => sendOver[wire](headers, target);
  const refused = { grpc: 'INVALID_ARGUMENT', rest: 400 }[wire];

  it('a header that matches is a parameter, and stands before one of the body', async () => {
    const { reply } = await send({ 'x-tenant': 'of the header', 'x-request-id': 'r-1', 'y-other': 'no' });
    expect(parametersOf(reply)).toEqual({ own: 'kept', 'x-tenant': 'of the header', 'x-request-id': 'r-1' });
  });

  it('without a header that matches, the request is as it is', async () => {
    const { reply } = await send({ 'y-tenant': 'no' });
    expect(parametersOf(reply)).toEqual({ own: 'kept', 'x-tenant': 'of the body' });
  });

  it.each(['priority', 'sequence_id', 'triton_grpc_error'])(
    'a header that means something else is refused: %s',
    async (name) => {
      expect(await send({ [name]: '1' })).toMatchObject({
        status: refused,
        message: `Header '${name}' is reserved for Triton usage and cannot be forwarded.`,
      });
    },
  );

  it('without a pattern no header becomes a parameter', async () => {
    await using plain = await serve(echo);
    const { reply } = await send({ 'x-tenant': 'of the header', priority: '1' }, plain);
    expect(parametersOf(reply)).toEqual({ own: 'kept', 'x-tenant': 'of the body' });
  });
});

it('the headers of a stream are parameters of each of its messages', async () => {
  const call = server.grpc.duplex('ModelStreamInfer', { metadata: { 'x-tenant': 'a' } });
  for (const model of ['echo', 'stream'])
    call.write({ ...toMessage({ ...request, parameters: {} }), model_name: model });
  call.end();
  const seen: unknown[] = [];
  for await (const { infer_response } of call as AsyncIterable<{ infer_response: Reply }>) {
    seen.push(parametersOf(infer_response)['x-tenant']);
  }
  expect(seen).toEqual(['a', 'a']);
});

it('generate and predictions take them too', async () => {
  const headers = { 'X-Tenant': 'a' };
  const generated = await server.rest.post('/v2/models/echo/generate', { x: 1 }, headers);
  expect(generated.json).toMatchObject({ 'x-tenant': 'a', y: 1 });
  const refused = await server.rest.post('/v1/models/echo:predict', { instances: [1] }, { priority: '1' });
  expect([refused.status, refused.json]).toEqual([
    400,
    { error: "Header 'priority' is reserved for Triton usage and cannot be forwarded." },
  ]);
});

describe('a pattern', () => {
  const named = (pattern: string, ...names: readonly string[]) => [
    ...(HeaderForwarding.read('KEY', pattern)
      ?.parametersOf(names.map((name) => [name, 'v']))
      .keys() ?? []),
  ];

  it('matches anywhere, in either case unless it says otherwise', () => {
    expect(named('tenant', 'X-Tenant', 'tenants', 'other')).toEqual(['x-tenant', 'tenants']);
    expect(named('(?-i)Tenant', 'X-Tenant', 'tenant')).toEqual(['x-tenant']);
    expect(named('(?i)Tenant', 'x-tenant')).toEqual(['x-tenant']);
    expect(named('', 'x')).toEqual([]);
  });

  it('puts the values of one name together, and leaves a name alone that is too long', () => {
    const long = 'x'.repeat(129);
    const headers = [
      ['X-A', '1'],
      ['x-a', '2'],
      [long, '3'],
    ] as const;
    expect([...(HeaderForwarding.read('KEY', 'x')?.parametersOf(headers) ?? [])]).toEqual([['x-a', '1, 2']]);
  });

  it.each([
    ['(a+)+$', "KEY: '(a+)+$' repeats a group: write the alternatives out"],
    ['(?:x|y){2,}', 'repeats a group'],
    ['(', 'KEY: Invalid regular expression'],
    ['\\A', 'use the syntax of JavaScript'],
  ])('may not be %s', (pattern, problem) => {
    expect(() => HeaderForwarding.read('KEY', pattern)).toThrow(problem);
  });

  it('that is none ends the start', async () => {
    await expect(serve([], { environment: { GRPC_HEADER_FORWARD_PATTERN: '[' } })).rejects.toThrow(
      'GRPC_HEADER_FORWARD_PATTERN: Invalid regular expression',
    );
  });
});
