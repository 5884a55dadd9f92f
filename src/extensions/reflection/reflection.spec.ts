import { status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { captureLog } from '../../../test/support/captured-log.js';
import { callRaw } from '../../../test/support/raw-rpc.js';
import { serve, type TestServer } from '../../testing/index.js';

/** The messages of reflection as clients know them, and what they need of a descriptor. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Request {
    string host = 1;
    oneof ask { string file = 3; string symbol = 4; string list = 7; }
  }
  message Reply { Files files = 4; List list = 6; Problem error = 7; }
  message Files { repeated bytes files = 1; }
  message List { repeated Service service = 1; }
  message Service { string name = 1; }
  message Problem { int32 code = 1; string message = 2; }
  message File { string name = 1; string package = 2; repeated Named messages = 4; repeated Offered services = 6; }
  message Named { string name = 1; }
  message Offered { string name = 1; repeated Named methods = 2; }
`);

interface Reply {
  readonly files?: { readonly files: readonly Uint8Array[] };
  readonly list?: { readonly service: readonly { readonly name: string }[] };
  readonly error?: { readonly code: number; readonly message: string };
}

interface File {
  readonly name: string;
  readonly messages?: readonly { readonly name: string }[];
  readonly services?: readonly { readonly name: string; readonly methods: readonly { readonly name: string }[] }[];
}

const encode = (message: object): Buffer => Buffer.from(root.lookupType('Request').encode(message).finish());
const decode = (type: string, bytes: Uint8Array): object => {
  const known = root.lookupType(type);
  return known.toObject(known.decode(bytes));
};

const KEY = 'a-key-of-the-operators-0001';
const pathOf = (version: string): string => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;

captureLog();

let server: TestServer;
beforeAll(async () => {
  server = await serve([], { environment: { GRPC_REFLECTION: 'true', API_KEYS: `ops:${KEY}` } });
});
afterAll(() => server.close());

async function ask(version: string, ...requests: readonly object[]): Promise<readonly Reply[]> {
  const outcome = await callRaw(server, pathOf(version), requests.map(encode), { 'x-api-key': KEY });
  expect(outcome.status).toBe('OK');
  return outcome.replies.map((reply) => decode('Reply', reply) as Reply);
}

describe.each(['v1', 'v1alpha'])('reflection %s', (version) => {
  it('lists the services that are served', async () => {
    const [reply] = await ask(version, { list: '*' });
    const served = new Set(server.rpcs.map((path) => path.split('/')[1] ?? ''));
    const named = reply?.list?.service.map(({ name }) => name) ?? [];
    expect(named).toContain('inference.GRPCInferenceService');
    expect([...named].sort()).toEqual([...served].filter((name) => !name.startsWith('grpc.reflection')).sort());
  });

  it('gives the file of a symbol with all that it needs, request by request', async () => {
    const [found, unknown, file] = await ask(
      version,
      { symbol: 'inference.GRPCInferenceService.ModelInfer' },
      { symbol: 'inference.Nothing' },
      { file: 'inference.proto' },
    );
    const files = found?.files?.files.map((bytes) => decode('File', bytes) as File) ?? [];
    const services = files.flatMap(({ services: own = [] }) => own);
    const service = services.find(({ name }) => name === 'GRPCInferenceService');
    expect(service?.methods.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['ModelInfer', 'ModelStreamInfer']),
    );
    const messages = files.flatMap(({ messages: own = [] }) => own.map(({ name }) => name));
    expect(messages).toEqual(expect.arrayContaining(['ModelInferRequest', 'ModelConfig']));
    expect(unknown?.error).toEqual({ code: status.NOT_FOUND, message: 'Symbol not found: inference.Nothing' });
    expect(file?.files?.files.length).toBeGreaterThan(0);
  });

  it('A10 is closed to strangers', async () => {
    const { status: end, replies } = await callRaw(server, pathOf(version), [encode({ list: '*' })]);
    expect([end, replies]).toEqual(['UNAUTHENTICATED', []]);
    expect(server.rpcs).toContain(pathOf(version));
  });
});

it('A64 is off unless it is asked for', async () => {
  await using plain = await serve();
  for (const version of ['v1', 'v1alpha']) {
    expect((await callRaw(plain, pathOf(version), [encode({ list: '*' })])).status).toBe('UNIMPLEMENTED');
  }
});
