import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve, type TestServer } from '#testing';
import { captureLog } from '../support/captured-log.js';
import { fp32Tensor, outputsByName } from '../support/configured-folders.js';
import { FixtureRepository } from '../support/fixture-repository.js';
import { HttpSocket } from '../support/http-socket.js';
import { field } from '../support/protobuf.js';
import { callRaw, encodeMessage } from '../support/raw-rpc.js';
import { inferOver, toMessage } from '../support/wires.js';

/** The calls of the platforms that put models on servers, byte by byte and in their order, and what they are told. */

captureLog();

let repository: FixtureRepository;
let server: TestServer;

beforeAll(async () => {
  repository = await FixtureRepository.of([]);
  server = await serve([], { environment: { MODEL_REPOSITORY: repository.path, LOAD_MODELS: ',' } });
});

afterAll(async () => {
  await server?.close();
  await repository[Symbol.asyncDispose]();
});

const DATAPLANE = '/inference.GRPCInferenceService';
const TRUE = Buffer.from([1]);
const NOTHING = Buffer.alloc(0);

/** A flag as the second field of a message. */
const second = (flag: Buffer): Buffer => Buffer.concat([Buffer.from([0x10]), flag]);

const ask = async (path: string, message: Buffer = NOTHING, headers: Readonly<Record<string, string>> = {}) => {
  const { status, details, replies } = await callRaw(server, path, [message], headers);
  return { status, details, reply: replies[0]?.toString('hex') };
};

const answer = (...fields: readonly Buffer[]) => ({
  status: 'OK',
  details: '',
  reply: Buffer.concat(fields).toString('hex'),
});

/** A line of the index: the model, its version, state and reason. */
const indexed = (model: string, version = '', state = '', reason = ''): Buffer =>
  field(1, field(1, model), field(2, version), field(3, state), field(4, reason));
const READY = ['1', 'READY'] as const;
const UNLOADED = ['1', 'UNAVAILABLE', 'unloaded'] as const;
const DONE = (model: string) => answer(field(1, model), second(TRUE));

const one = (model: string) => ({ model, inputs: [fp32Tensor('INPUT0', [1], [1])] });

describe("Seldon's agent", () => {
  const load = (model: string) => ask(`${DATAPLANE}/RepositoryModelLoad`, field(2, model));
  const unload = (model: string) => ask(`${DATAPLANE}/RepositoryModelUnload`, field(2, model));
  const index = () => ask(`${DATAPLANE}/RepositoryIndex`);

  it('finds the server live while it is empty, loads what it copies, and unloads it', async () => {
    expect(await ask(`${DATAPLANE}/ServerLive`)).toEqual(answer(Buffer.from([8, 1])));
    expect(await ask(`${DATAPLANE}/ServerReady`)).toEqual(answer(Buffer.from([8, 1])));
    expect(await index()).toEqual(answer());

    await repository.put('plus_one', 'iris_1/1/model.onnx');
    expect(await index()).toEqual(answer(indexed('iris_1')));
    expect(await load('iris_1')).toEqual(DONE('iris_1'));
    expect(await index()).toEqual(answer(indexed('iris_1', ...READY)));
    // MLServer's clients insist on a reason in JSON.
    const lines = [{ name: 'iris_1', version: '1', state: 'READY', reason: '' }];
    expect((await server.rest.post('/v2/repository/index', {})).json).toEqual(lines);

    // Its proxy sends the inferences on, under the name with the revision.
    const headers = { 'seldon-model': 'iris', 'seldon-internal-model': 'iris_1', 'x-request-id': 'cdg4' };
    const message = encodeMessage('ModelInfer', toMessage(one('iris_1')));
    expect(await ask(`${DATAPLANE}/ModelInfer`, message, headers)).toMatchObject({ status: 'OK' });
    expect(outputsByName(await inferOver.rest(server, one('iris_1')))).toEqual({ OUTPUT0: [2] });

    expect(await unload('iris_1')).toEqual(DONE('iris_1'));
    expect(await index()).toEqual(answer(indexed('iris_1', ...UNLOADED)));
    await repository.remove('iris_1');
    // It tries again where it has lost count.
    expect(await unload('iris_1')).toEqual(DONE('iris_1'));
    expect(await unload('never_there')).toEqual(DONE('never_there'));
    expect(await ask(`${DATAPLANE}/ServerReady`)).toEqual(answer(Buffer.from([8, 1])));
  });

  it('is told why a model does not load, by a code that it does not try again on', async () => {
    expect(await load('never_copied')).toMatchObject({
      status: 'NOT_FOUND',
      details: "failed to load 'never_copied', failed to poll from model repository",
    });
    await repository.put('corrupt', 'torn_1/1/model.onnx');
    expect(await load('torn_1')).toMatchObject({
      status: 'INVALID_ARGUMENT',
      details: expect.stringContaining("load failed for model 'torn_1': version 1 is at UNAVAILABLE state: ") as string,
    });
    await unload('torn_1');
    await repository.remove('torn_1');
  });
});

describe("KServe's agent", () => {
  const post = async (path: string) => {
    const agent = new HttpSocket(server);
    const text = await agent.exchange(
      `POST ${path} HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 2\r\n` +
        'Content-Type: application/json\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n{}',
    );
    return [agent.statuses[0], text.split('\r\n\r\n')[1]];
  };

  it('loads what it has downloaded, and unloads what it has deleted', async () => {
    await repository.put('plus_two', 'flower/1/model.onnx');
    expect(await post('/v2/repository/models/flower/load')).toEqual([200, '{"name":"flower","load":true}']);
    expect((await server.rest.get('/v2/models/flower/ready')).json).toEqual({ name: 'flower', ready: true });
    expect((await server.rest.get('/v1/models/flower')).json).toEqual({ name: 'flower', ready: true });
    expect((await server.rest.post('/v1/models/flower:predict', { instances: [1, 2] })).json).toEqual({
      predictions: [3, 4],
    });
    await repository.remove('flower');
    expect(await post('/v2/repository/models/flower/unload')).toEqual([200, '{"name":"flower","unload":true}']);
    expect((await server.rest.get('/v2/models/flower/ready')).status).toBe(400);
    expect((await server.rest.get('/v1/models/flower')).status).toBe(503);
    expect(await post('/v2/repository/models/flower/load')).toEqual([
      404,
      '{"error":"failed to load \'flower\', failed to poll from model repository"}',
    ]);
  });

  it('puts the name of the model first, in the messages of its SDK', async () => {
    await repository.put('plus_two', 'rose/1/model.onnx');
    expect(await ask(`${DATAPLANE}/RepositoryModelLoad`, field(1, 'rose'))).toEqual(DONE('rose'));
    expect(await ask(`${DATAPLANE}/RepositoryModelUnload`, field(1, 'rose'))).toEqual(DONE('rose'));
    await repository.remove('rose');
  });
});

describe("ModelMesh's adapter for MLServer", () => {
  const SERVICE = '/inference.model_repository.ModelRepositoryService';
  const load = (model: string) => ask(`${SERVICE}/RepositoryModelLoad`, field(2, model));
  const unload = (model: string) => ask(`${SERVICE}/RepositoryModelUnload`, field(2, model));
  const ready = () => ask(`${SERVICE}/RepositoryIndex`, second(TRUE));

  /** Settings with the model's id for a name, and the absolute path of the artifact. */
  async function adapt(model: string, fixture: string): Promise<void> {
    await repository.put(fixture, `${model}/model.onnx`);
    const uri = join(repository.path, model, 'model.onnx');
    const settings = { implementation: 'onnxruntime', name: model, parameters: { uri } };
    await repository.write(`${model}/model-settings.json`, JSON.stringify(settings, null, 2));
  }

  it('empties the server, asks for its version, loads models by their id, and sends inferences on', async () => {
    await repository.put('plus_one', 'left_over/1/model.onnx');
    expect(await load('left_over')).toEqual(DONE('left_over'));
    expect(await ask(`${DATAPLANE}/ServerReady`)).toEqual(answer(Buffer.from([8, 1])));
    expect(await ready()).toEqual(answer(indexed('left_over', ...READY)));
    expect(await unload('left_over')).toEqual(DONE('left_over'));
    expect(await ready()).toEqual(answer());
    await repository.remove('left_over');
    expect(await ask(`${DATAPLANE}/ServerMetadata`)).toMatchObject({ status: 'OK' });
    expect((await server.grpc.call<{ version: string }>('ServerMetadata')).version).toMatch(/^\d/);

    const id = 'example-onnx__isvc-3642375d03';
    await adapt(id, 'plus_two');
    expect(await load(id)).toEqual(DONE(id));
    expect(outputsByName(await inferOver.grpc(server, one(id)))).toEqual({ OUTPUT0: [3] });
    expect((await server.grpc.call<{ name: string }>('ModelMetadata', { name: id })).name).toBe(id);

    expect(await unload(id)).toEqual(DONE(id));
    await repository.remove(id);
    // What it unloads is gone already, or was never there.
    expect(await unload(id)).toEqual(DONE(id));
    expect(await ready()).toEqual(answer());
  });
});
