import { beforeEach, describe, expect, it } from 'vitest';
import { bytes, fp32, signature } from '#core';
import { defineModel } from '#testing';
import { surviving } from '../faults/survives.js';
import { callRaw, encodeMessage } from '../support/raw-rpc.js';
import { field } from '../support/protobuf.js';
import { INFER, STREAM } from '../support/http2-call.js';
import { get, infer, inferOver, inferPath, post, rpc, type SentInference, WIRES } from '../support/wires.js';

/** Names that callers choose: those that JavaScript's objects have already, those that collide, those that are ours. */

const POISON = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '__defineGetter__',
  '__lookupSetter__',
] as const;

const tensors = POISON.map((name) => [name, fp32(-1)] as const);
/** Gives each input back, one more, under the name of the next. */
const Poisoned = defineModel('poisoned', signature({ inputs: tensors, outputs: tensors }), (inputs) => {
  const given = new Map(Object.entries(inputs as object as Record<string, Inputs>));
  return Object.fromEntries(
    POISON.map((name, index) => [
      POISON[(index + 1) % POISON.length] ?? name,
      given.get(name)?.map((value) => value + 1),
    ]),
  ) as never;
});
type Inputs = ReturnType<typeof fp32.of>;

const named = POISON.map((name) =>
  defineModel(name, signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } }), ({ x }) => ({ y: x })),
);

/** Tells what it knows of its call. */
const Context = defineModel(
  'context',
  signature({ inputs: { x: fp32(1) }, outputs: { context: bytes(1) } }),
  (_, { id, principal, deadline, parameters }) => {
    const timeLeft = Math.ceil((deadline - Date.now()) / 60_000);
    const known = { id, principal: principal ?? null, timeLeft, parameters: [...parameters] };
    return { context: bytes.of([1], [JSON.stringify(known)]) };
  },
);

const LIMIT = 8 * 2 ** 20;
const server = surviving([Poisoned, ...named, Context], { environment: { MAX_MESSAGE_BYTES: String(LIMIT) } });

const INVALID = { grpc: 'INVALID_ARGUMENT', rest: 400 } as const;
const NOT_FOUND = { grpc: 'NOT_FOUND', rest: 404 } as const;
const OK = { grpc: 'OK', rest: 200 } as const;

const nothingPolluted = (): void => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
};

const x = { name: 'x', datatype: 'FP32', shape: [1], data: [1] };

describe.each(WIRES)('A47: names of the prototype, %s', (wire) => {
  it('A47: are names of tensors like any other', async () => {
    const inputs = POISON.map((name, index) => ({ ...x, name, data: [index * 10] }));
    const answer = await inferOver[wire](server(), { model: 'poisoned', inputs });
    expect(answer.status).toBe(OK[wire]);
    const values = answer.outputs.map(({ name, data, raw }) => [name, data?.[0] ?? raw?.readFloatLE()]);
    expect(values).toEqual(POISON.map((name, index) => [name, ((index + POISON.length - 1) % POISON.length) * 10 + 1]));
    nothingPolluted();
  });

  it.each(POISON)('A47: %s is a name of an output like any other', async (name) => {
    const inputs = POISON.map((input) => ({ ...x, name: input }));
    const answer = await inferOver[wire](server(), { model: 'poisoned', inputs, outputs: [name] });
    expect(answer.outputs.map((output) => output.name)).toEqual([name]);
    expect(await inferOver[wire](server(), { model: 'context', inputs: [x], outputs: [name] })).toMatchObject({
      status: INVALID[wire],
      message: `unexpected inference output '${name}' for model 'context'`,
    });
  });

  it.each(POISON)('A47: %s is missed where it is an input, and refused where it is none', async (name) => {
    const inputs = POISON.filter((input) => input !== name).map((input) => ({ ...x, name: input }));
    expect(await inferOver[wire](server(), { model: 'poisoned', inputs })).toMatchObject({
      status: INVALID[wire],
      message: expect.stringContaining(`but missing required input(s) ['${name}']`) as unknown,
    });
    expect(await inferOver[wire](server(), { model: 'context', inputs: [x, { ...x, name }] })).toMatchObject({
      status: INVALID[wire],
      message: `unexpected inference input '${name}' for model 'context'`,
    });
  });

  it.each(POISON)('A47: %s is a name of a model like any other', async (model) => {
    expect(await inferOver[wire](server(), { model, inputs: [x] })).toMatchObject({ status: OK[wire] });
    expect(await inferOver[wire](server(), { model, version: model, inputs: [x] })).toMatchObject({
      status: wire === 'grpc' ? 'INVALID_ARGUMENT' : 404,
      message: `failed to get model version from specified version string '${model}', version should be an integral value > 0`,
    });
  });

  it.each(['isPrototypeOf', '__lookupGetter__', 'propertyIsEnumerable'])(
    'A47: %s is a model that nobody knows',
    async (model) => {
      expect(await inferOver[wire](server(), { model, inputs: [x] })).toMatchObject({
        status: NOT_FOUND[wire],
        message: `Request for unknown model: '${model}' is not found`,
      });
      const [load, metadata, ready] =
        wire === 'grpc'
          ? [
              rpc('RepositoryModelLoad', { model_name: model }),
              rpc('ModelMetadata', { name: model }),
              rpc('ModelReady', { name: model }),
            ]
          : [post(`/v2/repository/models/${model}/load`), get(`/v2/models/${model}`), get(`/v2/models/${model}/ready`)];
      expect(await metadata(server())).toMatchObject({ status: NOT_FOUND[wire] });
      expect(await load(server())).toMatchObject({
        status: NOT_FOUND[wire],
        message: `failed to load '${model}', failed to poll from model repository`,
      });
      expect((await ready(server())).reply).not.toMatchObject({ ready: true });
    },
  );

  it.each(POISON)('A47: %s is a name of a parameter like any other', async (name) => {
    const parameters = JSON.parse(`{"${name}":"polluted"}`) as Record<string, string>;
    const known = await contextOf[wire]({ model: 'context', inputs: [x], parameters });
    expect(known).toMatchObject({ parameters: [[name, 'polluted']], principal: null });
    nothingPolluted();
  });
});

/** What the model got to know of its call. */
const contextOf = {
  async grpc(request: SentInference): Promise<unknown> {
    const { parameters = {}, inputs } = request;
    // By hand: no library writes an entry called `__proto__`.
    const entries = Object.entries(parameters).map(([key, value]) =>
      field(4, field(1, key), field(2, typeof value === 'string' ? field(3, value) : Buffer.from([8, +value]))),
    );
    const { replies, status, details } = await callRaw(server(), INFER, [
      Buffer.concat([encodeMessage('ModelInfer', { model_name: request.model, ...typed(inputs) }), ...entries]),
    ]);
    expect([status, details]).toEqual(['OK', '']);
    return JSON.parse(/\{.*\}/.exec(String(replies[0]))?.[0] ?? '');
  },
  async rest(request: SentInference): Promise<unknown> {
    const { status, outputs, message } = await infer(request).rest(server());
    expect([status, message]).toEqual([200, '']);
    return JSON.parse(String(outputs[0]?.data?.[0]));
  },
};

const typed = (inputs: SentInference['inputs']): object => ({
  inputs: inputs.map(({ name, datatype, shape, data }) => {
    return { name, datatype, shape, contents: { fp32_contents: data as readonly number[] } };
  }),
});

describe('A47: bodies of the repository with names of the prototype', () => {
  it.each(POISON)('A47: %s', async (name) => {
    const load = (body: string) => post('/v2/repository/models/probe/load', body)(server());
    expect(await load(`{"parameters":{"${name}":"x"}}`)).toMatchObject({
      status: 400,
      message: `unrecognized load parameter '${name}'.`,
    });
    expect(await load(`{"${name}":{"polluted":true}}`)).toMatchObject({ status: 200 });
    const index = await post('/v2/repository/index', `{"${name}":{"ready":true,"polluted":true}}`)(server());
    expect(index).toMatchObject({ status: 200 });
    nothingPolluted();
  });
});

describe.each(WIRES)('A47: integers as names in bulk, %s', (wire) => {
  const NUMBER = 20_000;
  const bulk: readonly (readonly [string, (index: number) => number])[] = [
    ['in a row', (index) => index],
    ['of the same low bits', (index) => index * 512],
    ['of the same low bits, beyond what a string keeps of its hash', (index) => 10_000_000 + index * 65_536],
    ['around the longest array', (index) => 4_294_957_296 + index],
  ];
  const contextWith = (names: readonly string[]) =>
    wire === 'grpc'
      ? Buffer.concat([
          encodeMessage('ModelInfer', { model_name: 'context', ...typed([x]) }),
          ...names.map((name) => field(4, field(1, name), field(2, Buffer.from([8, 1])))),
        ])
      : `{"parameters":{${names.map((name) => `"${name}":true`).join()}},"inputs":[${JSON.stringify(x)}]}`;

  /** The time that it takes to run an inference with these parameters, in milliseconds. */
  async function timed(request: Buffer | string): Promise<number> {
    const started = performance.now();
    if (typeof request === 'string') {
      expect(await post(inferPath('context'), request)(server())).toMatchObject({ status: 200 });
    } else expect(await callRaw(server(), INFER, [request])).toMatchObject({ status: 'OK' });
    return performance.now() - started;
  }

  it.each(bulk)('A47: parameters %s', async (_, nameAt) => {
    const numbers = Array.from({ length: NUMBER }, (__, index) => index);
    const words = contextWith(numbers.map((index) => `word-${index}`));
    const integers = contextWith(numbers.map((index) => String(nameAt(index))));
    const expected = await timed(words);
    expect(await timed(integers)).toBeLessThan(10 * expected + 1_000);
  });

  it.each(bulk.slice(0, 2))('A47: inputs %s', async (_, nameAt) => {
    const inputs = Array.from({ length: NUMBER }, (__, index) => ({ ...x, name: String(nameAt(index)) }));
    const started = performance.now();
    expect(await inferOver[wire](server(), { model: 'context', inputs: [x, ...inputs] })).toMatchObject({
      status: INVALID[wire],
      message: `unexpected inference input '${nameAt(0)}' for model 'context'`,
    });
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe.each(WIRES)('A40: parameters that are reserved, %s', (wire) => {
  const ALLOWED = 'triton_enable_empty_final_response';

  it.each(['triton_', 'triton_x', 'triton_final_response', 'triton_grpc_error', `${ALLOWED}_`, 'triton___proto__'])(
    'A40: %s is refused',
    async (name) => {
      const request = { model: 'context', inputs: [x], parameters: { [name]: true } };
      const message = `parameter '${name}': parameter keys starting with 'triton_' are reserved for Triton usage. Only the following keys starting with 'triton_' are allowed: ${ALLOWED}`;
      expect(await inferOver[wire](server(), request)).toMatchObject({ status: INVALID[wire], message });
      // Before anything else about the request.
      expect(await inferOver[wire](server(), { ...request, inputs: [] })).toMatchObject({ message });
    },
  );

  it.each([
    ALLOWED,
    'Triton_x',
    ' triton_x',
    'x-triton_x',
    '__internal',
    '__internal_principal',
    'principal',
    'roles',
    'id',
    'deadline',
    'signal',
    'request_id',
    'model_name',
    'timeout',
  ])('A40: %s is a parameter, and nothing else', async (name) => {
    const known = await contextOf[wire]({ model: 'context', inputs: [x], parameters: { [name]: 'evil' } });
    // The time that a call may take is the configured one.
    expect(known).toMatchObject({ parameters: [[name, 'evil']], principal: null, timeLeft: 5 });
    expect(known).toMatchObject({ id: expect.not.stringContaining('evil') as unknown });
  });
});

describe('A40: headers that look like parameters or like ours', () => {
  const HEADERS = {
    triton_final_response: 'true',
    'x-triton-parameters': '{"a":1}',
    triton_x: 'evil',
    __internal: 'evil',
    'x-internal-principal': 'evil',
    'x-principal': 'evil',
    'x-user': 'evil',
    'x-tenant-id': 'evil',
    'x-roles': 'admin',
    sequence_id: '7',
    priority: '1',
    principal: '{"name":"evil","roles":["admin"]}',
    deadline: '0',
  };

  it('A40: change nothing, grpc', async () => {
    const request = encodeMessage('ModelInfer', { model_name: 'context', ...typed([x]) });
    for (const path of [INFER, STREAM]) {
      const { replies, status } = await callRaw(server(), path, [request], HEADERS);
      expect(status).toBe('OK');
      const known: unknown = JSON.parse(/\{.*\}/.exec(String(replies[0]))?.[0] ?? '');
      expect(known).toMatchObject({ parameters: [], principal: null, timeLeft: 5 });
      expect(JSON.stringify(known)).not.toContain('evil');
    }
  });

  it('A40: change nothing, rest', async () => {
    const reply = await post(inferPath('context'), { inputs: [x] }, HEADERS)(server());
    const known: unknown = JSON.parse(String(reply.outputs[0]?.data?.[0]));
    expect(known).toMatchObject({ parameters: [], principal: null, timeLeft: 5 });
    expect(JSON.stringify(known)).not.toContain('evil');
  });

  it('A40: reserved parameters are refused on a stream, which goes on', async () => {
    const good = encodeMessage('ModelInfer', { model_name: 'context', ...typed([x]) });
    const reserved = Buffer.concat([good, field(4, field(1, 'triton_x'), field(2, Buffer.from([8, 1])))]);
    const { status, replies } = await callRaw(server(), STREAM, [reserved, good]);
    expect(status).toBe('OK');
    expect(replies.map((reply) => /reserved for Triton usage/.test(String(reply)))).toEqual([true, false]);
  });
});

beforeEach(nothingPolluted);
