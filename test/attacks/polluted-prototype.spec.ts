import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytes, fp32, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import {
  callHeaders,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  GOAWAY,
  headerBlock,
  HEADERS,
  type HeaderPair,
  Http2Socket,
  RST_STREAM,
} from '../support/http2-frames.js';
import { grpcFrame, INFER } from '../support/http2-call.js';
import { HttpSocket } from '../support/http-socket.js';
import { encodeMessage } from '../support/raw-rpc.js';
import { inferPath, type Wire, WIRES } from '../support/wires.js';

/** A48: what some other code has left on `Object.prototype` is no part of any request. */

const KEY = 'the-key-of-the-reader-01';
const BOSS = 'the-key-of-the-boss-0001';

/** Tells what it knows of its call, but for what is new with each. */
const Context = defineModel(
  'context',
  signature({ inputs: { x: fp32(-1) }, outputs: { context: bytes(1) } }),
  ({ x }, { principal, parameters }) => {
    const known = { x: x.numbers(), principal: principal ?? null, parameters: [...parameters] };
    return { context: bytes.of([1], [JSON.stringify(known)]) };
  },
);

let folder: string;
let open: TestServer;
let guarded: TestServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'polluted-'));
  const AUTHZ_ROLES_FILE = join(folder, 'roles.json');
  const roles = { reader: { inference: ['context'] }, admin: { '*': ['*'] } };
  writeFileSync(AUTHZ_ROLES_FILE, JSON.stringify({ roles, users: { reader: ['reader'], boss: ['admin'] } }));
  open = await serve(Context, { environment: { ALLOW_CLIENT_SHM: 'true' } });
  guarded = await serve(Context, {
    environment: {
      API_KEYS: `reader:${KEY},boss:${BOSS}`,
      AUTHZ: 'roles',
      AUTHZ_ROLES_FILE,
      AUTH_FAILURES_PER_MINUTE: '100000',
    },
  });
});

afterAll(async () => {
  await open.close();
  await guarded.close();
  rmSync(folder, { recursive: true });
});

/** Runs while every object seems to have a property more. */
async function polluted<T>(key: string, value: unknown, run: () => Promise<T>): Promise<T> {
  // oxlint-disable-next-line no-extend-native -- that is the attack
  Object.defineProperty(Object.prototype, key, { value, configurable: true, enumerable: true, writable: true });
  try {
    return await run();
  } finally {
    delete (Object.prototype as Record<string, unknown>)[key];
  }
}

/** A call that is written before the pollution and read after it, so that it meets nothing but the server. */
interface Prepared {
  /** Sends the call and waits for its end. */
  send(): Promise<void>;
  /** The reply without its headers, or `refused`. */
  outcome(): string;
}

interface Call {
  readonly grpc: readonly [path: string, message: Buffer];
  readonly rest: readonly [path: string, body: string];
}

const prepare = {
  async grpc(server: TestServer, { grpc: [path, message] }: Call, headers: readonly HeaderPair[]): Promise<Prepared> {
    const socket = new Http2Socket(server);
    await socket.settled();
    const request = Buffer.concat([
      frame(HEADERS, END_HEADERS, 1, headerBlock([...callHeaders(path), ...headers])),
      frame(DATA, END_STREAM, 1, grpcFrame(message)),
    ]);
    const isEnd = ({ type, flags, stream }: { type: number; flags: number; stream: number }): boolean =>
      type === GOAWAY || (stream === 1 && (type === RST_STREAM || (type === HEADERS && (flags & END_STREAM) !== 0)));
    return {
      async send() {
        await socket.write(request);
        await socket.next(isEnd);
      },
      outcome() {
        socket.destroy();
        const end = socket.frames.find(isEnd);
        const data = socket.frames.filter(({ type, stream }) => type === DATA && stream === 1);
        if (end?.type !== HEADERS) return 'broken';
        return data.length === 0 ? 'refused' : Buffer.concat(data.map(({ payload }) => payload)).toString('latin1');
      },
    };
  },
  async rest(server: TestServer, { rest: [path, body] }: Call, headers: readonly HeaderPair[]): Promise<Prepared> {
    const socket = new HttpSocket(server);
    await new Promise((resolve) => void socket.socket.once('connect', resolve));
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const request = `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n${lines}\r\n${body}`;
    return {
      async send() {
        await socket.exchange(request);
      },
      outcome() {
        const [status = 0] = socket.statuses;
        if (status === 200) return socket.text.slice(socket.text.indexOf('\r\n\r\n') + 4);
        return status === 401 || status === 403
          ? 'refused'
          : `broken: ${status} ${socket.text.split('\r\n\r\n')[1] ?? ''}`;
      },
    };
  },
} satisfies Readonly<Record<Wire, unknown>>;

async function outcomeOf(
  wire: Wire,
  server: TestServer,
  call: Call,
  { headers = [], pollution }: { headers?: readonly HeaderPair[]; pollution?: readonly [string, unknown] } = {},
): Promise<string> {
  const prepared = await prepare[wire](server, call, headers);
  if (pollution === undefined) await prepared.send();
  else await polluted(...pollution, () => prepared.send());
  return prepared.outcome();
}

const infer = (parameters: Readonly<Record<string, object>>, json: string): Call => ({
  grpc: [
    INFER,
    encodeMessage('ModelInfer', {
      model_name: 'context',
      parameters,
      inputs: [{ name: 'x', datatype: 'FP32', shape: [2], contents: { fp32_contents: [1, 2] } }],
    }),
  ],
  rest: [inferPath('context'), `{${json}"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1,2]}]}`],
});

const plain = infer({}, '');
const withParameters = infer(
  { text: { string_param: 'a' }, flag: { bool_param: false }, whole: { int64_param: 7 }, real: { double_param: 0.5 } },
  '"parameters":{"text":"a","flag":false,"whole":7,"real":0.5},',
);

describe.each(WIRES)('A48: decoding is not changed, %s', (wire) => {
  it.each<[string, unknown]>([
    ['polluted', true],
    ['bool_param', true],
    ['int64_param', '9'],
    ['uint64_param', '9'],
    ['double_param', 9.5],
    ['string_param', 'evil'],
    ['parameter_choice', 'string_param'],
    ['parameters', { evil: 'evil' }],
    ['parameters', { evil: { string_param: 'evil' } }],
    ['model_name', 'evil'],
    ['model_version', '9'],
    ['version', '9'],
    ['id', 'evil'],
    ['name', 'evil'],
    ['datatype', 'INT64'],
    ['shape', [9]],
    ['contents', { fp32_contents: [9, 9] }],
    ['data', [9, 9]],
    ['fp32_contents', [9, 9]],
    ['fp64_contents', [9, 9]],
    ['bytes_contents', [Buffer.from('evil')]],
    ['inputs', []],
    ['outputs', [{ name: 'evil' }]],
    ['raw_input_contents', [Buffer.alloc(8)]],
    ['rawInput', Buffer.alloc(8)],
    ['binary_data_size', 8],
    ['binary_data', true],
    ['binary_data_output', true],
    ['shared_memory_region', 'evil'],
    ['slice', { region: 'evil', offset: 0, byteSize: 8 }],
    ['shared', { inputs: [], outputs: [] }],
    ['triton_evil', true],
    ['optional', true],
    ['kind', 'none'],
    ['content-encoding', 'gzip'],
    ['content-length', '100000000'],
    ['accept-encoding', 'gzip'],
    ['inference-header-content-length', '0'],
    ['grpc-timeout', '1n'],
    ['grpc-encoding', 'gzip'],
    ['x-request-id', 'evil'],
  ])('A48: by %s: %j', async (...pollution) => {
    for (const call of [plain, withParameters]) {
      const expected = await outcomeOf(wire, open, call);
      expect(expected).toContain('"x":[1,2]'.replaceAll('"', wire === 'rest' ? '\\"' : '"'));
      expect(await outcomeOf(wire, open, call, { pollution })).toBe(expected);
      expect(await outcomeOf(wire, open, call)).toBe(expected);
    }
  });
});

const rpc = (name: string, message: object): Call['grpc'] => [
  `/inference.GRPCInferenceService/${name}`,
  encodeMessage(name, message),
];
/** Of what is only asked over gRPC. */
const NOWHERE: Call['rest'] = ['', ''];
const trace = { settings: { trace_rate: { value: ['1000'] } } };
const verbose = { settings: { log_verbose_level: { uint32_param: 0 } } };
const evilParameters = { config: { string_param: '{', parameter_choice: 'string_param' } };

/** Calls that leave a field out, and what stands in its place beyond them. */
const CONTROL: readonly (readonly [
  grpc: Call['grpc'],
  rest: Call['rest'] | undefined,
  ...pollutions: readonly (readonly [string, unknown])[],
])[] = [
  [
    rpc('RepositoryModelLoad', { model_name: 'context' }),
    ['/v2/repository/models/context/load', '{}'],
    ['repository_name', 'evil'],
    ['defaults', true],
  ],
  [rpc('RepositoryModelLoad', { model_name: 'context' }), undefined, ['parameters', evilParameters]],
  [
    rpc('RepositoryModelUnload', { model_name: 'nobody', parameters: { unload_dependents: { bool_param: true } } }),
    ['/v2/repository/models/nobody/unload', '{"parameters":{"unload_dependents":true}}'],
    ['evil', evilParameters],
    ['string_param', 'evil'],
    ['repository_name', 'evil'],
  ],
  [rpc('RepositoryIndex', {}), ['/v2/repository/index', '{}'], ['repository_name', 'evil']],
  [rpc('RepositoryIndex', {}), undefined, ['ready', true]],
  [
    rpc('TraceSetting', trace),
    ['/v2/trace/setting', '{"trace_rate":"1000"}'],
    ['model_name', 'context'],
    ['trace_level', ['TIMESTAMPS']],
  ],
  [
    rpc('TraceSetting', {}),
    ['/v2/trace/setting', '{}'],
    ['settings', { trace_level: { value: ['TIMESTAMPS'] } }],
    ['trace_level', ['TIMESTAMPS']],
  ],
  [rpc('TraceSetting', { settings: { trace_rate: {} } }), undefined, ['value', ['7']]],
  [
    rpc('LogSettings', verbose),
    ['/v2/logging', '{"log_verbose_level":0}'],
    ['log_error', false],
    ['settings', { log_error: { bool_param: false } }],
  ],
  [rpc('LogSettings', {}), ['/v2/logging', '{}'], ['settings', { log_error: { bool_param: false } }]],
  [rpc('LogSettings', {}), undefined, ['bool_param', true], ['uint32_param', 7], ['string_param', 'evil']],
  [rpc('ModelStatistics', {}), undefined, ['name', 'nobody'], ['version', '9']],
  [rpc('ModelReady', { name: 'context' }), undefined, ['model_name', 'nobody'], ['version', '9']],
  [
    rpc('ModelMetadata', { name: 'context' }),
    undefined,
    ['version', '9'],
    ['model_version', '9'],
    ['properties', { evil: 'evil' }],
  ],
  [rpc('SystemSharedMemoryStatus', {}), undefined, ['name', 'nobody']],
];

describe.each(WIRES)('A48: control is not changed, %s', (wire) => {
  const calls = CONTROL.flatMap(([grpc, rest, ...pollutions]) =>
    wire === 'rest' && rest === undefined
      ? []
      : pollutions.map(
          (pollution) => [grpc[0].split('/').pop(), ...pollution, { grpc, rest: rest ?? NOWHERE }] as const,
        ),
  );

  it.each(calls)('A48: %s by %s: %j', async (called, name, value, call) => {
    // Statistics go on by themselves: of them it counts whose they are.
    const seen = (outcome: string) => (called === 'ModelStatistics' ? outcome.includes('context') : outcome);
    const expected = seen(await outcomeOf(wire, open, call));
    expect(expected).not.toBe(false);
    expect(String(expected)).not.toMatch(/^(?:refused|broken)/);
    expect(seen(await outcomeOf(wire, open, call, { pollution: [name, value] }))).toBe(expected);
    expect(seen(await outcomeOf(wire, open, call))).toBe(expected);
  });
});

it.each(WIRES)('A48: what is restricted stays so, %s', async (wire) => {
  await using restricted = await serve(Context, {
    environment: {
      GRPC_RESTRICTED_PROTOCOL: 'inference:admin-key=hush-hush',
      HTTP_RESTRICTED_API: 'inference:admin-key=hush-hush',
    },
  });
  const key = wire === 'grpc' ? 'triton-grpc-protocol-admin-key' : 'admin-key';
  expect(await outcomeOf(wire, restricted, plain, { pollution: [key, 'hush-hush'] })).toBe('refused');
  expect(await outcomeOf(wire, restricted, plain, { headers: [[key, 'hush-hush']] })).toContain('context');
});

describe.each(WIRES)('A48: authorization is not changed, %s', (wire) => {
  const unload: Call = {
    grpc: [
      '/inference.GRPCInferenceService/RepositoryModelUnload',
      encodeMessage('RepositoryModelUnload', { model_name: 'context' }),
    ],
    rest: ['/v2/repository/models/context/unload', '{}'],
  };
  const key = (value: string): readonly HeaderPair[] => [['x-api-key', value]];
  const admin = { name: 'boss', roles: ['admin'] };

  it.each<[string, unknown]>([
    ['principal', admin],
    ['name', 'boss'],
    ['roles', ['admin']],
    ['users', new Map([['reader', ['admin']]])],
    ['required', false],
    ['enabled', false],
    ['refusal', undefined],
    ['public', true],
    ['admin', true],
    ['authenticated', true],
    ['permitted', true],
    ['decision', 'permit'],
    ['family', 'health'],
    ['model', 'context'],
    ['x-api-key', BOSS],
    ['authorization', `Bearer ${BOSS}`],
    ['reader', ['admin']],
    ['*', ['*']],
    ['model-repository', ['*']],
  ])('A48: by %s: %j', async (...pollution) => {
    expect(await outcomeOf(wire, guarded, plain, { pollution })).toBe('refused');
    expect(await outcomeOf(wire, guarded, unload, { pollution })).toBe('refused');
    expect(await outcomeOf(wire, guarded, unload, { pollution, headers: key(KEY) })).toBe('refused');
    expect(await outcomeOf(wire, guarded, plain, { pollution, headers: key('a-key-that-nobody-has') })).toBe('refused');
    expect(await outcomeOf(wire, guarded, plain, { headers: key(KEY) })).toContain('reader');
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});
