import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve, type TestServer } from '#testing';
import { captureLog } from '../support/captured-log.js';
import { detailsOf, failure } from '../support/status-details.js';
import { toMessage, type SentInference, WIRES } from '../support/wires.js';
import { type ErrorCase, type ServerKind, SMALL_LIMIT, titleOf } from './error-case.js';
import { ERROR_CASES } from './error-cases.js';
import { EXTENSION_ERROR_CASES } from './extension-error-cases.js';
import { MODELS, Vector } from './models.js';

const SAMPLES = join(import.meta.dirname, '../../model-repository');

const servers = new Map<ServerKind, TestServer>();

captureLog();

beforeAll(async () => {
  const [explicit, uncontrolled, empty, small] = await Promise.all([
    // One of the models fails to load.
    serve(MODELS, { unready: true, environment: { MODEL_REPOSITORY: SAMPLES } }),
    serve(Vector, { environment: { MODEL_CONTROL_MODE: 'none' } }),
    serve([], { environment: { ALLOW_EMPTY_REPOSITORY: 'false' } }),
    serve(Vector, { environment: { MAX_MESSAGE_BYTES: String(SMALL_LIMIT) } }),
  ]);
  await explicit.settled();
  for (const [kind, server] of Object.entries({ explicit, uncontrolled, empty, small })) {
    servers.set(kind as ServerKind, server);
  }
});

afterAll(async () => {
  await Promise.all([...servers.values()].map((server) => server.close()));
});

const CASES = [...ERROR_CASES, ...EXTENSION_ERROR_CASES];

const named = (error: ErrorCase) => [titleOf(error), error] as const;

describe.each(WIRES)('%s', (wire) => {
  const cases = CASES.filter((candidate) => candidate[wire] !== undefined && candidate.send[wire] !== undefined);

  it.each(cases.map(named))('%s', async (_, { on = 'explicit', send, message, ...expected }) => {
    const server = servers.get(on);
    if (server === undefined) throw new Error(`there is no server '${on}'`);
    const answer = await send[wire]?.(server);
    const text = typeof message === 'string' || message instanceof RegExp ? message : message[wire];
    expect(answer).toMatchObject({
      status: expected[wire],
      message: typeof text === 'string' ? text : expect.stringMatching(text),
    });
  });
});

describe('the details of a gRPC status', () => {
  const x = { name: 'x', datatype: 'FP32', shape: [2], data: [1, 2] };
  const vector = (input: object, rest: Partial<SentInference> = {}): object =>
    toMessage({ model: 'vector', inputs: [{ ...x, ...input }], ...rest });

  const server = (): TestServer => servers.get('explicit') as TestServer;

  const FIELDS: readonly (readonly [string, object, string])[] = [
    ['an unknown input', vector({ name: 'a "b"' }), 'inputs["a \\"b\\""]'],
    ['an input that stands there twice', toMessage({ model: 'vector', inputs: [x, x] }), 'inputs["x"]'],
    ['an input that is missing', toMessage({ model: 'vector', inputs: [] }), 'inputs'],
    ['a datatype', vector({ datatype: 'INT32' }), 'inputs["x"].datatype'],
    ['a shape', vector({ shape: [2, 1] }), 'inputs["x"].shape'],
    ['a dimension', vector({ shape: [-2] }), 'inputs["x"].shape'],
    ['too few values', vector({ data: [1] }), 'inputs["x"].contents'],
    ['values of another datatype', vector({ contents: { int_contents: [1, 2] } }), 'inputs["x"].contents'],
    ['no values', vector({ data: undefined }), 'inputs["x"].contents'],
    ['too few raw bytes', vector({ data: undefined, raw: Buffer.alloc(3) }), 'inputs["x"].contents'],
    [
      'raw contents beyond the inputs',
      { ...vector({ data: undefined }), raw_input_contents: [Buffer.alloc(8), Buffer.of(2)] },
      'raw_input_contents',
    ],
    [
      'a text that ends early',
      toMessage({ model: 'text', inputs: [{ name: 'x', datatype: 'BYTES', shape: [1], raw: Buffer.of(9, 0, 0, 0) }] }),
      'inputs["x"].contents',
    ],
    ['an unknown output', vector({}, { outputs: ['q'] }), 'outputs["q"]'],
    ['a parameter without a value', { ...vector({}), parameters: { p: {} } }, 'parameters["p"]'],
    ['a reserved parameter', vector({}, { parameters: { triton_x: 1 } }), 'parameters["triton_x"]'],
    [
      'a parameter of an output',
      { ...vector({}), outputs: [{ name: 'y', parameters: { p: {} } }] },
      'outputs["y"].parameters["p"]',
    ],
    [
      'a region without a size',
      { ...vector({}), outputs: [{ name: 'y', parameters: { shared_memory_region: { string_param: 'r' } } }] },
      'outputs["y"].parameters',
    ],
  ];

  it.each(FIELDS)('name the field: %s', async (_, message, field) => {
    const error = await failure(server().grpc.call('ModelInfer', message));
    const details = detailsOf(error);
    // Clients refuse details that say otherwise than the status does.
    expect(details).toMatchObject({ code: error.code, message: error.details });
    expect(details?.BadRequest?.fieldViolations).toEqual([
      { field, description: error.details.slice(0, 300) + (error.details.length > 300 ? '…' : '') },
    ]);
    expect(error.code).toBe(3);
  });

  it('name the reason', async () => {
    const error = await failure(server().grpc.call('ModelMetadata', { name: 'vector', version: 'one' }));
    expect(detailsOf(error)).toEqual({
      code: 3,
      message: error.details,
      ErrorInfo: { reason: 'MALFORMED_VERSION', domain: 'inference.GRPCInferenceService' },
    });
  });

  it('are left out where there is nothing to tell, and stay small however much there is', async () => {
    const unknown = await failure(server().grpc.call('ModelMetadata', { name: 'nobody' }));
    expect([unknown.code, detailsOf(unknown)]).toEqual([5, undefined]);
    const name = '界"'.repeat(5_000);
    const long = await failure(server().grpc.call('ModelInfer', vector({ name })));
    expect(detailsOf(long)?.BadRequest?.fieldViolations[0]?.field).toMatch(/^inputs\["界/);
    const [bytes] = long.metadata.get('grpc-status-details-bin');
    const trailers = (bytes as Buffer).byteLength * 1.4 + encodeURIComponent(long.details).length;
    // What the clients of gRPC's C core take at the most, other trailers aside.
    expect(trailers).toBeLessThan(7_500);
  });

  it('come with a stream that an error ends', async () => {
    const stream = server().grpc.duplex('ModelStreamInfer', { metadata: { triton_grpc_error: 'true' } });
    const error = await failure(
      new Promise((resolve, reject) => {
        stream.on('error', reject).on('end', resolve).resume();
        stream.write(vector({ shape: [2, 1] }));
      }),
    );
    expect(detailsOf(error)?.BadRequest?.fieldViolations).toMatchObject([{ field: 'inputs["x"].shape' }]);
  });
});
