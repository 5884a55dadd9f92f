import { once } from 'node:events';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve, type TestServer } from '#testing';
import {
  decodeModelStreamInferResponse,
  type EncodedStreamReply,
} from '../../src/protocol/grpc/codec/stream-response.js';
import { loadContracts } from '../../src/protocol/grpc/contracts.js';
import { ALL_DATATYPES, echoModels, echoOf } from '../support/echo-models.js';

/** Where a gRPC client finds the values of outputs: simple clients read typed contents only, Triton's raw ones only. */

interface Reply {
  readonly outputs: readonly { readonly contents?: Record<string, readonly unknown[]> | null }[];
  readonly raw_output_contents?: readonly Buffer[];
}

/** An element of each datatype as a client writes it into its typed field. */
const TYPED: Readonly<Record<string, object>> = {
  BOOL: { bool_contents: [true, false] },
  UINT8: { uint_contents: [0, 255] },
  UINT16: { uint_contents: [0, 65_535] },
  UINT32: { uint_contents: [0, 4_294_967_295] },
  UINT64: { uint64_contents: ['0', '18446744073709551615'] },
  INT8: { int_contents: [-128, 127] },
  INT16: { int_contents: [-32_768, 32_767] },
  INT32: { int_contents: [-2_147_483_648, 2_147_483_647] },
  INT64: { int64_contents: ['-9223372036854775808', '9223372036854775807'] },
  FP16: { bytes_contents: [Buffer.of(0, 0x3c, 0, 0x40)] },
  BF16: { bytes_contents: [Buffer.of(0x80, 0x3f, 0, 0x40)] },
  FP32: { fp32_contents: [0.5, -2] },
  FP64: { fp64_contents: [0.1, -0.2] },
  BYTES: { bytes_contents: [Buffer.from('é'), Buffer.of(0xff, 0)] },
};

const { ModelStreamInfer } = loadContracts()['inference.GRPCInferenceService'] as unknown as {
  readonly ModelStreamInfer: { readonly path: string; readonly requestSerialize: (message: object) => Buffer };
};

const typedRequest = (datatype: string) => ({
  model_name: echoOf(datatype as never),
  inputs: [{ name: 'x', datatype, shape: ['2'], contents: TYPED[datatype] }],
});
const raw = Buffer.of(1, 0, 0, 0, 2, 0, 0, 0);
const rawRequest = {
  model_name: 'echo_INT32',
  inputs: [{ name: 'x', datatype: 'INT32', shape: ['2'] }],
  raw_input_contents: [raw],
};
const metadata = (wanted: string) => ({ metadata: { 'x-oip-output-contents': wanted } });

/** The contents of a reply's only output, and its raw ones. */
const seen = ({ outputs, raw_output_contents: rawContents = [] }: Reply) => ({
  typed: outputs[0]?.contents ?? undefined,
  raw: rawContents,
});
const asTyped = (contents: object | undefined) => ({ typed: contents, raw: [] });
const asRaw = (bytes = raw) => ({ typed: undefined, raw: [bytes] });

const start = (contents: string): Promise<TestServer> =>
  serve(echoModels([-1]), { environment: { GRPC_OUTPUT_CONTENTS: contents } });

/** The kind of contents in which a stream answers each message. */
async function streamed(
  server: TestServer,
  messages: readonly object[],
  options: { readonly metadata: Readonly<Record<string, string>> },
): Promise<unknown[]> {
  const client = new Client(server.grpc.address, credentials.createInsecure());
  const sent = new Metadata();
  for (const [key, value] of Object.entries(options.metadata)) sent.set(key, value);
  const { path, requestSerialize } = ModelStreamInfer;
  const call = client.makeBidiStreamRequest(path, requestSerialize, decodeModelStreamInferResponse, sent);
  const kinds: unknown[] = [];
  call.on('data', ({ response }: EncodedStreamReply) => kinds.push(response?.outputs[0]?.contents.kind));
  for (const message of messages) call.write(message);
  call.end();
  await once(call, 'end');
  client.close();
  return kinds;
}

async function expectRefusal({ grpc }: TestServer, word: string): Promise<void> {
  const message = `metadata x-oip-output-contents: '${word}' are no contents of outputs: use one of raw, mirror, typed`;
  const refusal = { code: 3, details: message };
  await expect(grpc.call('ModelInfer', rawRequest, metadata(word))).rejects.toMatchObject(refusal);
  const call = grpc.duplex('ModelStreamInfer', metadata(word));
  call.resume();
  expect(await once(call, 'error')).toMatchObject([refusal]);
}

describe('GRPC_OUTPUT_CONTENTS=mirror', () => {
  let server: TestServer;
  const infer = async (message: object, options = {}) =>
    seen(await server.grpc.call<Reply>('ModelInfer', message, options));

  beforeAll(async () => {
    server = await start('mirror');
  });
  afterAll(() => server.close());

  it.each(ALL_DATATYPES)('answers typed %s with typed contents', async (datatype) => {
    expect(await infer(typedRequest(datatype))).toEqual(asTyped(TYPED[datatype]));
  });

  it('answers raw contents with raw ones, under both spellings of the service', async () => {
    expect(await infer(rawRequest)).toEqual(asRaw());
    const service = 'inference.GrpcInferenceService';
    expect(await infer(rawRequest, { service })).toEqual(asRaw());
    expect(await infer(typedRequest('FP32'), { service })).toEqual(asTyped(TYPED['FP32']));
  });

  it('says it for one call or stream by metadata', async () => {
    expect(await infer(rawRequest, metadata('typed'))).toEqual(asTyped({ int_contents: [1, 2] }));
    expect(await infer(typedRequest('FP32'), metadata('raw'))).toEqual(asRaw(Buffer.of(0, 0, 0, 0x3f, 0, 0, 0, 0xc0)));
    expect(await streamed(server, [typedRequest('INT32')], metadata('raw'))).toEqual(['raw']);
  });

  it('refuses other words, naming them', () => expectRefusal(server, 'cooked'));

  it.each(['triton', 'mlserver'])('answers each message of a stream of %s as it asks', async (dialect) => {
    const options = { metadata: { 'x-oip-stream-dialect': dialect } };
    expect(await streamed(server, [rawRequest, typedRequest('INT32')], options)).toEqual(['raw', 'typed']);
  });
});

it('GRPC_OUTPUT_CONTENTS=typed answers all with typed contents, but for calls that ask for others', async () => {
  await using server = await start('typed');
  expect(seen(await server.grpc.call<Reply>('ModelInfer', rawRequest))).toEqual(asTyped({ int_contents: [1, 2] }));
  expect(seen(await server.grpc.call<Reply>('ModelInfer', rawRequest, metadata('mirror')))).toEqual(asRaw());
});

describe('GRPC_OUTPUT_CONTENTS=raw, the default', () => {
  let server: TestServer;
  const infer = async (message: object, options = {}) =>
    seen(await server.grpc.call<Reply>('ModelInfer', message, options));

  beforeAll(async () => {
    server = await serve(echoModels([-1]));
  });
  afterAll(() => server.close());

  it('answers a typed request raw', async () => {
    expect(await infer(typedRequest('INT8'))).toEqual(asRaw(Buffer.of(0x80, 0x7f)));
  });

  it('answers one call or stream as its metadata asks', async () => {
    expect(await infer(rawRequest, metadata('typed'))).toEqual(asTyped({ int_contents: [1, 2] }));
    expect(await infer(rawRequest, metadata('mirror'))).toEqual(asRaw());
    expect(await infer(typedRequest('FP32'), metadata('mirror'))).toEqual(asTyped(TYPED['FP32']));
    expect(await streamed(server, [rawRequest, typedRequest('INT32')], metadata('mirror'))).toEqual(['raw', 'typed']);
    expect(await streamed(server, [rawRequest], metadata('typed'))).toEqual(['typed']);
  });

  it('refuses other words, naming them', () => expectRefusal(server, 'cooked'));
});
