import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bytes, fp32, int32, type Inputs, Model, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import {
  HAS_SHM,
  type SharedInference,
  sharedMemoryOver,
  ShmObject,
  toMessage,
} from '../../../test/support/shared-memory.js';
import { WIRES } from '../../../test/support/wires.js';
import { Deferred } from '../../testing/deferred.js';

const pair = signature({ inputs: { a: int32(-1), b: int32(-1) }, outputs: { sum: int32(-1), difference: int32(-1) } });
const simple = defineModel('simple', pair, ({ a, b }) => ({
  sum: a.map((value, index) => value + (b.data[index] ?? 0)),
  difference: a.map((value, index) => value - (b.data[index] ?? 0)),
}));

const texts = signature({ inputs: { x: bytes(-1) }, outputs: { y: bytes(-1) } });
const echoTexts = defineModel('echo_texts', texts, ({ x }) => ({ y: x }));

const floats = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
const echo = defineModel('echo', floats, ({ x }) => ({ y: x }));

/** Waits until a test opens its gate. */
let entered = new Deferred();
let gate = new Deferred();
const slow = defineModel('slow', floats, async ({ x }) => {
  entered.resolve();
  await gate.promise;
  return { y: x };
});

@Model('repeat', floats)
class RepeatModel {
  *stream({ x }: Inputs<typeof floats>) {
    for (const value of x.data) yield { y: fp32.of([1], [value]) };
  }
}

const ints = (...values: number[]): Buffer => Buffer.from(Int32Array.from(values).buffer);
const floatsOf = (...values: number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);

let server: TestServer;
beforeAll(async () => {
  const environment = { ALLOW_CLIENT_SHM: 'true', SHM_MAX_REGIONS: '4', MAX_MESSAGE_BYTES: '8000000' };
  server = await serve([simple, echoTexts, echo, slow, RepeatModel], { environment });
});
afterAll(() => server.close());
afterEach(async () => {
  await server.rest.post('/v2/systemsharedmemory/unregister');
  expect((await sharedMemoryOver.rest.status(server)).regions).toEqual([]);
});

const INVALID = { grpc: 'INVALID_ARGUMENT', rest: 400 } as const;
const NOT_FOUND = { grpc: 'NOT_FOUND', rest: 404 } as const;
const INTERNAL = { grpc: 'INTERNAL', rest: 500 } as const;
const OK = { grpc: 'OK', rest: 200 } as const;

describe.skipIf(!HAS_SHM).each(WIRES)('system shared memory, %s', (wire) => {
  const over = sharedMemoryOver[wire];

  it('registers, tells and unregisters regions', async () => {
    using object = new ShmObject(64);
    const { key } = object;
    expect((await over.register(server, { name: 'all', key, byteSize: 64 })).status).toBe(OK[wire]);
    expect((await over.register(server, { name: 'a part', key: key.slice(1), offset: 16, byteSize: 48 })).status).toBe(
      OK[wire],
    );
    const all = { name: 'all', key, offset: 0, byte_size: 64 };
    const part = { name: 'a part', key: key.slice(1), offset: 16, byte_size: 48 };
    expect((await over.status(server)).regions).toEqual([all, part]);
    expect((await over.status(server, 'a part')).regions).toEqual([part]);
    expect(await over.status(server, 'nope')).toMatchObject({
      status: NOT_FOUND[wire],
      message: "Unable to find system shared memory region: 'nope'",
    });
    expect(await over.register(server, { name: 'all', key, byteSize: 8 })).toMatchObject({
      status: { grpc: 'ALREADY_EXISTS', rest: 400 }[wire],
      message: "shared memory region 'all' already in manager",
    });
    expect((await over.unregister(server, 'nope')).status).toBe(OK[wire]);
    expect((await over.unregister(server, 'all')).status).toBe(OK[wire]);
    expect((await over.status(server)).regions).toEqual([part]);
    expect((await over.unregister(server)).status).toBe(OK[wire]);
    expect((await over.status(server)).regions).toEqual([]);
    expect((await over.register(server, { name: 'all', key, byteSize: 8 })).status).toBe(OK[wire]);
  });

  it('reads inputs from their regions, and puts outputs into theirs', async () => {
    using input = new ShmObject(Buffer.concat([ints(0, 0), ints(1, 2), ints(30, 40)]));
    using output = new ShmObject(24);
    await over.register(server, { name: 'in', key: input.key, offset: 8, byteSize: 16 });
    await over.register(server, { name: 'out', key: output.key, byteSize: 24 });
    const answer = await over.infer(server, {
      model: 'simple',
      inputs: [
        { name: 'a', datatype: 'INT32', shape: [2], at: { region: 'in', byteSize: 8, offset: 8 } },
        { name: 'b', datatype: 'INT32', shape: [2], at: { region: 'in', byteSize: 8 } },
      ],
      outputs: [
        { name: 'difference', at: { region: 'out', byteSize: 12, offset: 12 } },
        { name: 'sum', at: { region: 'out', byteSize: 12 } },
      ],
    });
    expect(answer.status).toBe(OK[wire]);
    expect(output.bytes).toEqual(ints(31, 42, 0, 29, 38, 0));
    if (wire === 'rest') {
      expect((answer.reply as { outputs: unknown }).outputs).toEqual([
        { name: 'sum', datatype: 'INT32', shape: [2] },
        { name: 'difference', datatype: 'INT32', shape: [2] },
      ]);
    } else {
      expect(answer.outputs).toEqual([
        { name: 'sum', datatype: 'INT32', shape: [2], raw: Buffer.alloc(0) },
        { name: 'difference', datatype: 'INT32', shape: [2], raw: Buffer.alloc(0) },
      ]);
    }
  });

  it('mixes tensors in memory with those in the message', async () => {
    using object = new ShmObject(Buffer.concat([ints(1, 2), ints(0, 0)]));
    await over.register(server, { name: 'r', key: object.key, byteSize: 16 });
    const answer = await over.infer(server, {
      model: 'simple',
      inputs: [
        { name: 'a', datatype: 'INT32', shape: [2], at: { region: 'r', byteSize: 8 } },
        { name: 'b', datatype: 'INT32', shape: [2], raw: ints(10, 20) },
      ],
      outputs: [{ name: 'sum', at: { region: 'r', byteSize: 8, offset: 8 } }, { name: 'difference' }],
    });
    expect(object.bytes).toEqual(ints(1, 2, 11, 22));
    expect(answer.outputs[1]).toMatchObject(wire === 'rest' ? { data: [-9, -18] } : { raw: ints(-9, -18) });
  });

  it('carries BYTES behind their lengths, empty tensors, and outputs over themselves', async () => {
    const framed = Buffer.from([2, 0, 0, 0, 0x61, 0x00, 0, 0, 0, 0]);
    using object = new ShmObject(framed);
    await over.register(server, { name: 'r', key: object.key, byteSize: 10 });
    const place = { region: 'r', byteSize: 10 };
    const run = (shape: number[], at: object) =>
      over.infer(server, {
        model: 'echo_texts',
        inputs: [{ name: 'x', datatype: 'BYTES', shape, at }],
        outputs: [{ name: 'y', at: place }],
      });
    expect((await run([2], place)).status).toBe(OK[wire]);
    expect((await run([0], { region: 'r', byteSize: 0 })).status).toBe(OK[wire]);
    expect(object.bytes).toEqual(framed);
    expect(await run([3], place)).toMatchObject({
      status: INVALID[wire],
      message: expect.stringContaining('3 string') as string,
    });
  });

  it('copies large tensors beside the event loop', async () => {
    const values = Float32Array.from({ length: 500_000 }, (_, index) => index);
    using input = new ShmObject(Buffer.from(values.buffer));
    using output = new ShmObject(values.byteLength);
    await over.register(server, { name: 'in', key: input.key, byteSize: values.byteLength });
    await over.register(server, { name: 'out', key: output.key, byteSize: values.byteLength });
    const answer = await over.infer(server, {
      model: 'echo',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [500_000], at: { region: 'in', byteSize: values.byteLength } }],
      outputs: [{ name: 'y', at: { region: 'out', byteSize: values.byteLength } }],
    });
    expect(answer.status).toBe(OK[wire]);
    expect(output.bytes.equals(input.bytes)).toBe(true);
  });

  it('holds an object whose name has gone', async () => {
    using object = new ShmObject(floatsOf(1, 2));
    await over.register(server, { name: 'r', key: object.key, byteSize: 8 });
    object[Symbol.dispose]();
    expect((await over.infer(server, echoFrom({ region: 'r', byteSize: 8 }))).outputs).toHaveLength(1);
  });

  it.each<[string, SharedInference['inputs'][number]['at'], number | string, string]>([
    [
      'an unknown region',
      { region: 'nope', byteSize: 8 },
      NOT_FOUND[wire],
      "Unable to find shared memory region: 'nope'",
    ],
    [
      'an offset beyond it',
      { region: 'r', byteSize: 0, offset: 16 },
      INVALID[wire],
      "Invalid offset for shared memory region: 'r'",
    ],
    [
      'a negative offset',
      { region: 'r', byteSize: 8, offset: -1 },
      INVALID[wire],
      "Invalid offset for shared memory region: 'r'",
    ],
    [
      'a size beyond it',
      { region: 'r', byteSize: 17 },
      INVALID[wire],
      "Invalid offset + byte size for shared memory region: 'r'",
    ],
    [
      'an end beyond it',
      { region: 'r', byteSize: 8, offset: 9 },
      INVALID[wire],
      "Invalid offset + byte size for shared memory region: 'r'",
    ],
    [
      'a negative size',
      { region: 'r', byteSize: -8 },
      INVALID[wire],
      "Invalid offset + byte size for shared memory region: 'r'",
    ],
    [
      'an overflow',
      { region: 'r', byteSize: 2 ** 53, offset: 2 ** 53 },
      INVALID[wire],
      'Integer overflow detected: byte_size',
    ],
    [
      'another size than the shape',
      { region: 'r', byteSize: 12 },
      INVALID[wire],
      "input byte size mismatch for input 'x' for model 'echo'. Expected 8, got 12",
    ],
    [
      'no size',
      { region: 'r' },
      INVALID[wire],
      "'shared_memory_byte_size' must be specified along with 'shared_memory_region' parameter for tensor 'x'",
    ],
    [
      'a size alone',
      { byteSize: 8 },
      INVALID[wire],
      "'shared_memory_byte_size' can not be specified without 'shared_memory_region' parameter for tensor 'x'",
    ],
    [
      'an offset alone',
      { offset: 8 },
      INVALID[wire],
      "'shared_memory_offset' can not be specified without 'shared_memory_region' parameter for tensor 'x'",
    ],
    [
      'a number for a name',
      { region: 7, byteSize: 8 },
      INVALID[wire],
      "invalid value type for 'shared_memory_region' parameter for tensor 'x', expected string_param.",
    ],
    [
      'a text for a size',
      { region: 'r', byteSize: '8' },
      INVALID[wire],
      "invalid value type for 'shared_memory_byte_size' parameter for tensor 'x', expected int64_param.",
    ],
    [
      'a fraction for an offset',
      { region: 'r', byteSize: 8, offset: 0.5 },
      INVALID[wire],
      "invalid value type for 'shared_memory_offset' parameter for tensor 'x', expected int64_param.",
    ],
  ])('F61 refuses %s', async (_, at, status, message) => {
    using object = new ShmObject(64);
    await over.register(server, { name: 'r', key: object.key, offset: 8, byteSize: 16 });
    const answer = await over.infer(server, echoFrom(at));
    expect([answer.status, answer.message]).toEqual([status, expect.stringContaining(message) as string]);
    expect(object.bytes.equals(Buffer.alloc(64))).toBe(true);
  });

  it('F61 refuses contents besides the region, overlapping outputs, and classes in memory', async () => {
    using object = new ShmObject(64);
    await over.register(server, { name: 'r', key: object.key, byteSize: 64 });
    await over.register(server, { name: 'same', key: object.key, offset: 8, byteSize: 56 });
    const place = { region: 'r', byteSize: 4 };
    const a = { name: 'a', datatype: 'INT32', shape: [1], at: place };
    const both = await over.infer(server, {
      model: 'simple',
      inputs: [
        { ...a, data: [1] },
        { ...a, name: 'b' },
      ],
    });
    expect([both.status, both.message]).toEqual([
      INVALID[wire],
      expect.stringContaining(
        wire === 'grpc'
          ? "unexpected 'content' provided when using shared memory for input tensor 'a' for model 'simple'"
          : "But more than one field is set for input 'a'",
      ) as string,
    ]);
    const outputs = [
      { name: 'sum', at: { region: 'r', byteSize: 12 } },
      { name: 'difference', at: { region: 'same', byteSize: 8 } },
    ];
    expect(await over.infer(server, { model: 'simple', inputs: [a, { ...a, name: 'b' }], outputs })).toMatchObject({
      status: INVALID[wire],
      message: "outputs 'sum' and 'difference' overlap in shared memory: give each a place of its own",
    });
    const classes = await over.infer(server, {
      ...echoFrom(place),
      outputs: [{ name: 'y', at: place, classification: 2 }],
    });
    expect([classes.status, classes.message]).toEqual([
      INVALID[wire],
      expect.stringContaining("output 'y' cannot have its classes") as string,
    ]);
    expect((await over.status(server)).regions).toHaveLength(2);
  });

  it('F61 refuses an output that does not fit, before it writes any', async () => {
    using object = new ShmObject(64);
    await over.register(server, { name: 'r', key: object.key, byteSize: 64 });
    const input = { datatype: 'INT32', shape: [2], raw: ints(1, 2) };
    const answer = await over.infer(server, {
      model: 'simple',
      inputs: [
        { ...input, name: 'a' },
        { ...input, name: 'b' },
      ],
      outputs: [
        { name: 'sum', at: { region: 'r', byteSize: 8 } },
        { name: 'difference', at: { region: 'r', byteSize: 7, offset: 8 } },
      ],
    });
    expect([answer.status, answer.message]).toEqual([
      INTERNAL[wire],
      "shared memory size specified with the request for output 'difference' (7 bytes) should be at least 8 bytes to hold the results",
    ]);
    expect(object.bytes.equals(Buffer.alloc(64))).toBe(true);
  });

  it('F61 survives a caller who makes the memory shorter while it is registered', async () => {
    using object = new ShmObject(64);
    await over.register(server, { name: 'r', key: object.key, byteSize: 64 });
    object.truncate(4);
    const short = { status: INVALID[wire], message: "shared memory region 'r' is shorter than when it was registered" };
    expect(await over.infer(server, echoFrom({ region: 'r', byteSize: 8 }))).toMatchObject(short);
    const input = { name: 'x', datatype: 'FP32', shape: [2], raw: floatsOf(1, 2) };
    const outputs = [{ name: 'y', at: { region: 'r', byteSize: 8 } }];
    expect(await over.infer(server, { model: 'echo', inputs: [input], outputs })).toMatchObject(short);
    expect(object.bytes).toHaveLength(4);
  });

  it('F61 keeps a region that is unregistered while a request uses it, until that is done', async () => {
    using object = new ShmObject(floatsOf(1, 2, 0, 0));
    [entered, gate] = [new Deferred(), new Deferred()];
    const region = { name: 'r', key: object.key, byteSize: 16 };
    await over.register(server, region);
    const place = { region: 'r', byteSize: 8 };
    const request = { ...echoFrom(place), model: 'slow', outputs: [{ name: 'y', at: { ...place, offset: 8 } }] };
    const running = over.infer(server, request);
    await entered.promise;
    expect((await over.unregister(server, 'r')).status).toBe(OK[wire]);
    expect((await over.status(server)).regions).toHaveLength(1);
    expect((await over.register(server, { ...region, byteSize: 8 })).message).toContain('already in manager');
    expect((await over.infer(server, echoFrom(place))).status).toBe(NOT_FOUND[wire]);
    gate.resolve();
    expect((await running).status).toBe(OK[wire]);
    expect(object.bytes).toEqual(floatsOf(1, 2, 1, 2));
    expect((await over.status(server)).regions).toEqual([]);
    expect((await over.register(server, { ...region, byteSize: 8 })).status).toBe(OK[wire]);
  });

  it('has room for so many regions, and reads no more than a message may have', async () => {
    using object = new ShmObject(0);
    object.truncate(100_000_000_000);
    for (const name of ['1', '2', '3', '4']) {
      expect((await over.register(server, { name, key: object.key, byteSize: 100_000_000_000 })).status).toBe(OK[wire]);
    }
    const full = await over.register(server, { name: '5', key: object.key, byteSize: 1 });
    expect([full.status, full.message]).toEqual([
      { grpc: 'RESOURCE_EXHAUSTED', rest: 429 }[wire],
      expect.stringContaining('4 shared memory regions are yours, as many as there may be (SHM_MAX_REGIONS)') as string,
    ]);
    const large = { region: '1', byteSize: 4_000_000_000 };
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [1_000_000_000], at: large }];
    const answer = await over.infer(server, { model: 'echo', inputs });
    expect([answer.status, answer.message]).toEqual([
      { grpc: 'RESOURCE_EXHAUSTED', rest: 400 }[wire],
      expect.stringContaining(
        'the inputs in shared memory have 4000000000 bytes, a request may have 8000000',
      ) as string,
    ]);
  });
});

const echoFrom = (at: SharedInference['inputs'][number]['at']): SharedInference => ({
  model: 'echo',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [2], ...(at === undefined ? {} : { at }) }],
});

describe.skipIf(!HAS_SHM)('streams', () => {
  it('put each response in the place of the one before', async () => {
    using object = new ShmObject(floatsOf(5, 6, 7, 0));
    await sharedMemoryOver.grpc.register(server, { name: 'r', key: object.key, byteSize: 16 });
    const request: SharedInference = {
      model: 'repeat',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [3], at: { region: 'r', byteSize: 12 } }],
      outputs: [{ name: 'y', at: { region: 'r', byteSize: 4, offset: 12 } }],
    };
    const call = server.grpc.duplex('ModelStreamInfer');
    call.write(toMessage(request));
    call.end();
    let replies = 0;
    for await (const reply of call) {
      const { error_message, infer_response } = reply as { error_message?: string; infer_response: object };
      expect([error_message, infer_response]).toEqual([
        undefined,
        expect.objectContaining({ outputs: [{ name: 'y', datatype: 'FP32', shape: ['1'] }] }),
      ]);
      replies++;
    }
    expect(replies).toBe(3);
    expect(object.bytes).toEqual(floatsOf(5, 6, 7, 7));
    await sharedMemoryOver.grpc.unregister(server);
    expect((await sharedMemoryOver.grpc.status(server)).regions).toEqual([]);
  });
});

describe.each(WIRES)('while it is off, %s', (wire) => {
  const over = sharedMemoryOver[wire];
  const disabled = {
    status: { grpc: 'UNIMPLEMENTED', rest: 501 }[wire],
    message: expect.stringContaining(
      "Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable.",
    ) as string,
  };

  it('F61 tells how to turn it on, and shows that there is nothing', async () => {
    await using off = await serve([echo]);
    expect(await over.register(off, { name: 'r', key: '/r', byteSize: 1 })).toMatchObject(disabled);
    expect(await over.unregister(off)).toMatchObject(disabled);
    expect(await over.infer(off, echoFrom({ region: 'r', byteSize: 8 }))).toMatchObject(disabled);
    expect(await over.status(off)).toMatchObject({ status: OK[wire], regions: [] });
    expect((await over.status(off, 'r')).status).toBe(NOT_FOUND[wire]);
  });
});

describe('CUDA shared memory, on a machine without a GPU', () => {
  const message = "failed to register CUDA shared memory region: 'x', GPUs not supported";

  it('has nothing to tell over gRPC', async () => {
    const call = server.grpc.call.bind(server.grpc);
    expect(await call('CudaSharedMemoryStatus')).toEqual({});
    expect(await call('CudaSharedMemoryUnregister')).toEqual({});
    await expect(call('CudaSharedMemoryRegister', { name: 'x' })).rejects.toMatchObject({ code: 3, details: message });
    await expect(call('CudaSharedMemoryStatus', { name: 'x' })).rejects.toMatchObject({
      code: 5,
      details: "Unable to find cuda shared memory region: 'x'",
    });
  });

  it('has nothing to tell over REST', async () => {
    const path = '/v2/cudasharedmemory';
    expect(await server.rest.get(`${path}/status`)).toMatchObject({ status: 200, json: [] });
    expect((await server.rest.get(`${path}/region/x/status`)).status).toBe(404);
    expect((await server.rest.post(`${path}/unregister`)).status).toBe(200);
    expect((await server.rest.post(`${path}/region/x/unregister`)).status).toBe(200);
    const register = await server.rest.post(`${path}/region/x/register`, { raw_handle: { b64: '' }, byte_size: 1 });
    expect([register.status, register.json]).toEqual([400, { error: message }]);
  });
});
