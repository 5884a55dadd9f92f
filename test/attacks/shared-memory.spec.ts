import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fp32, signature } from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { Deferred } from '../../src/testing/deferred.js';
import { captureLog } from '../support/captured-log.js';
import { HAS_SHM, type SharedInference, sharedMemoryOver, ShmObject } from '../support/shared-memory.js';
import { WIRES } from '../support/wires.js';

/** Callers who share memory see their own, and nothing else of the machine. */

const floats = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
const echo = defineModel('echo', floats, ({ x }) => ({ y: x }));
let entered = new Deferred();
let gate = new Deferred();
const slow = defineModel('slow', floats, async ({ x }) => {
  entered.resolve();
  await gate.promise;
  return { y: x };
});

const KEYS = { alice: 'the-key-of-alice-00001', bob: 'the-key-of-bob-0000001', clerk: 'the-key-of-the-clerk-1' };
const as = (who: keyof typeof KEYS) => ({ 'x-api-key': KEYS[who] });
const ROLES = {
  roles: { owner: { '*': ['*'] }, clerk: { inference: ['*'], metadata: ['*'] } },
  users: { alice: ['owner'], bob: ['owner'], clerk: ['clerk'] },
};

captureLog();
let folder: string;
let server: TestServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shared-memory-'));
  const roles = join(folder, 'roles.json');
  writeFileSync(roles, JSON.stringify(ROLES));
  const API_KEYS = Object.entries(KEYS)
    .map(([name, key]) => `${name}:${key}`)
    .join(',');
  const limits = { SHM_MAX_REGIONS: '3', SHM_MAX_REGIONS_TOTAL: '5' };
  const environment = { ALLOW_CLIENT_SHM: 'true', API_KEYS, AUTHZ: 'roles', AUTHZ_ROLES_FILE: roles, ...limits };
  server = await serve([echo, slow], { environment });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});
afterEach(async () => {
  for (const who of ['alice', 'bob'] as const) {
    await sharedMemoryOver.rest.unregister(server, '', as(who));
    expect((await sharedMemoryOver.rest.status(server, '', as(who))).regions).toEqual([]);
  }
});

const INVALID = { grpc: 'INVALID_ARGUMENT', rest: 400 } as const;
const NOT_FOUND = { grpc: 'NOT_FOUND', rest: 404 } as const;
const INTERNAL = { grpc: 'INTERNAL', rest: 500 } as const;
const DENIED = { grpc: 'PERMISSION_DENIED', rest: 403 } as const;
const OK = { grpc: 'OK', rest: 200 } as const;

const from = (region: string, byteSize = 8, model = 'echo'): SharedInference => ({
  model,
  inputs: [{ name: 'x', datatype: 'FP32', shape: [byteSize / 4], at: { region, byteSize } }],
});
const floatsOf = (...values: number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);

describe.skipIf(!HAS_SHM).each(WIRES)('shared memory, %s', (wire) => {
  const over = sharedMemoryOver[wire];
  const register = (name: string, key: string, byteSize: number | bigint, offset: number | bigint = 0) =>
    over.register(server, { name, key, byteSize, offset }, as('alice'));

  it.each([
    ['', "invalid shm key ''"],
    ['/', "invalid shm key '/'"],
    ['///', "invalid shm key '///'"],
    ['/.', "invalid shm key '/.'"],
    ['/..', "invalid shm key '/..'"],
    ['..', "invalid shm key '..'"],
    ['/../etc/passwd', "invalid shm key '/../etc/passwd'"],
    ['/a/../../etc/passwd', 'invalid shm key'],
    ['/a/b', "invalid shm key '/a/b'"],
    ['/a\0b', 'invalid shm key'],
    [`/${'x'.repeat(255)}`, 'invalid shm key'],
    [`${'/'.repeat(100_000)}x`, 'invalid shm key'],
    ['/triton_python_backend_shm_region_1', "contains the reserved prefix 'triton_python_backend_shm_region_'"],
    ['///triton_python_backend_shm_region_1', 'contains the reserved prefix'],
    ['triton_python_backend_shm_region_', 'contains the reserved prefix'],
    ['/sem.lock', "contains the reserved prefix 'sem.'"],
  ])('A20: refuses the key %j', async (key, problem) => {
    const answer = await register('n', key, 8);
    expect(answer.status).toBe(INVALID[wire]);
    expect(answer.message).toContain("cannot register shared memory region 'n'");
    expect(answer.message).toContain(problem);
    expect(answer.message.length).toBeLessThan(1_000);
  });

  it('A20: a key of another kind of file, or of none, is no region, and A21: no path or cause is told', async () => {
    using object = new ShmObject(floatsOf(1, 2));
    const name = `${object.key}-other`;
    const path = `/dev/shm${name}`;
    const make: Readonly<Record<string, () => void>> = {
      nothing: () => undefined,
      'a link to a file elsewhere': () => symlinkSync('/etc/passwd', path),
      'a link to another object': () => symlinkSync(object.path, path),
      'a folder': () => mkdirSync(path),
      'a pipe': () => execFileSync('mkfifo', [path]),
    };
    for (const [kind, create] of Object.entries(make)) {
      create();
      const answer = await register('n', name, 8);
      expect([kind, answer.status, answer.message]).toEqual([
        kind,
        INTERNAL[wire],
        `Unable to open shared memory region: '${name}'`,
      ]);
      rmSync(path, { recursive: true, force: true });
    }
  });

  it('A21: only who registers a key is told it', async () => {
    using object = new ShmObject(8);
    await register('r', object.key, 8);
    object.truncate(0);
    const output: SharedInference = {
      model: 'echo',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [2], raw: floatsOf(1, 2) }],
      outputs: [{ name: 'y', at: { region: 'r', byteSize: 8 } }],
    };
    const answers = [
      await over.infer(server, from('r'), as('alice')),
      await over.infer(server, output, as('alice')),
      await over.infer(server, from('r', 16), as('alice')),
      await register('r', object.key, 8),
      await register('empty', object.key, 8),
      await over.status(server, 'r', as('bob')),
      await over.infer(server, from('r'), as('bob')),
    ];
    for (const { message } of answers) {
      expect(message).not.toBe('');
      expect(message).not.toMatch(/\/dev|test-|errno|E[A-Z]{4}|0x/);
    }
  });

  it.each<[number | bigint, number | bigint]>([
    [0, 65],
    [1, 64],
    [64, 1],
    [0, 0],
    [2 ** 40, 1],
    [1, 2n ** 63n - 1n],
    [2n ** 63n, 2n ** 63n],
    [2n ** 64n - 8n, 16],
    [2n ** 53n, 8],
  ])('A22: registers no %s + %s of 64 bytes', async (offset, byteSize) => {
    using object = new ShmObject(64);
    const before = object.bytes;
    const message = "failed to register shared memory region 'n': invalid args";
    expect(await wide(offset, byteSize, object.key)).toMatchObject({ status: INVALID[wire], message });
    expect(object.bytes).toEqual(before);
  });

  /** Integers with every digit, over REST too. */
  const wide = async (offset: number | bigint, byteSize: number | bigint, key: string) => {
    if (wire === 'grpc') return register('n', key, byteSize, offset);
    const body = `{"key":${JSON.stringify(key)},"offset":${offset},"byte_size":${byteSize}}`;
    const reply = await server.rest.post('/v2/systemsharedmemory/region/n/register', body, as('alice'));
    return { status: reply.status, message: (reply.json as { error: string }).error };
  };

  it.each<[string, number | string, number]>([
    ['an offset behind its end', 64, 1],
    ['an end behind its end', 60, 8],
    ['a size beyond it', 0, 65],
    ['a negative offset', -4, 4],
    ['a negative size', 0, -4],
    ['the largest offset', Number.MAX_SAFE_INTEGER, 8],
    ['a sum that overflows', 2 ** 62, 2 ** 62],
  ])('A22: gives a request nothing with %s', async (_, offset, byteSize) => {
    // What lies behind the region in the same object stays unread and unwritten.
    using object = new ShmObject(128);
    await register('r', object.key, 64);
    const at = { region: 'r', offset, byteSize };
    const input = { name: 'x', datatype: 'FP32', shape: [1] };
    const reading = await over.infer(server, { model: 'echo', inputs: [{ ...input, at }] }, as('alice'));
    const sent = { ...input, raw: floatsOf(7) };
    const writing = await over.infer(
      server,
      { model: 'echo', inputs: [sent], outputs: [{ name: 'y', at }] },
      as('alice'),
    );
    for (const { status, message } of [reading, writing]) {
      expect(status).toBe(INVALID[wire]);
      expect(message).toMatch(/^(?:Invalid offset|Integer overflow)/);
    }
    expect(object.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it("A23: one caller's regions are neither seen nor used nor removed by another", async () => {
    using object = new ShmObject(floatsOf(1, 2));
    using own = new ShmObject(floatsOf(3, 4));
    await register('r', object.key, 8);
    expect((await over.status(server, '', as('bob'))).regions).toEqual([]);
    expect((await over.status(server, 'r', as('bob'))).status).toBe(NOT_FOUND[wire]);
    expect(await over.infer(server, from('r'), as('bob'))).toMatchObject({
      status: NOT_FOUND[wire],
      message: "Unable to find shared memory region: 'r'",
    });
    expect((await over.unregister(server, 'r', as('bob'))).status).toBe(OK[wire]);
    expect((await over.unregister(server, '', as('bob'))).status).toBe(OK[wire]);
    expect((await over.register(server, { name: 'r', key: own.key, byteSize: 8 }, as('bob'))).status).toBe(OK[wire]);
    expect((await over.status(server, '', as('alice'))).regions).toMatchObject([{ name: 'r', key: object.key }]);
    for (const [who, values] of [
      ['alice', floatsOf(1, 2)],
      ['bob', floatsOf(3, 4)],
    ] as const) {
      const [output] = (await over.infer(server, from('r'), as(who))).outputs;
      expect(output?.raw ?? floatsOf(...(output?.data as number[]))).toEqual(values);
    }
  });

  it("A23: a caller cannot register the memory of another's region, nor learn that it is one", async () => {
    using object = new ShmObject(floatsOf(1, 2));
    await register('r', object.key, 8);
    const taken = await over.register(server, { name: 'mine', key: object.key, byteSize: 8 }, as('bob'));
    const missing = await over.register(server, { name: 'mine', key: `${object.key}x`, byteSize: 8 }, as('bob'));
    expect(taken.status).toBe(INTERNAL[wire]);
    expect([taken.status, taken.message.replace(object.key, '')]).toEqual([
      missing.status,
      missing.message.replace(`${object.key}x`, ''),
    ]);
    expect((await register('again', object.key, 8)).status).toBe(OK[wire]);
  });

  it('A23: nobody takes the room of all others, who share what there is in all', async () => {
    using object = new ShmObject(8);
    using own = new ShmObject(8);
    const bobs = (name: string) => over.register(server, { name, key: own.key, byteSize: 8 }, as('bob'));
    const FULL = { grpc: 'RESOURCE_EXHAUSTED', rest: 429 }[wire];
    for (const name of ['1', '2', '3']) expect((await register(name, object.key, 8)).status).toBe(OK[wire]);
    expect(await register('4', object.key, 8)).toMatchObject({
      status: FULL,
      message: '3 shared memory regions are yours, as many as there may be (SHM_MAX_REGIONS): unregister some',
    });
    expect([(await bobs('1')).status, (await bobs('2')).status]).toEqual([OK[wire], OK[wire]]);
    expect(await bobs('3')).toMatchObject({
      status: FULL,
      message: expect.stringContaining('5 shared memory regions are registered by all callers') as string,
    });
    await over.unregister(server, '1', as('alice'));
    expect((await bobs('3')).status).toBe(OK[wire]);
  });

  it('A11: a right to infer is none to register, nor to look', async () => {
    using object = new ShmObject(8);
    const region = { name: 'r', key: object.key, byteSize: 8 };
    expect((await over.register(server, region, as('clerk'))).status).toBe(DENIED[wire]);
    expect((await over.unregister(server, '', as('clerk'))).status).toBe(DENIED[wire]);
    expect((await over.status(server, '', as('clerk'))).status).toBe(DENIED[wire]);
  });

  it('A24: what is unregistered while it is used stays until then, and no smaller region takes its place', async () => {
    using object = new ShmObject(Buffer.concat([floatsOf(1, 2), Buffer.alloc(8)]));
    [entered, gate] = [new Deferred(), new Deferred()];
    await register('r', object.key, 16);
    const running = over.infer(
      server,
      { ...from('r', 8, 'slow'), outputs: [{ name: 'y', at: { region: 'r', byteSize: 8, offset: 8 } }] },
      as('alice'),
    );
    await entered.promise;
    await over.unregister(server, '', as('alice'));
    expect((await register('r', object.key, 8)).message).toContain('already in manager');
    gate.resolve();
    expect((await running).status).toBe(OK[wire]);
    expect(object.bytes).toEqual(Buffer.concat([floatsOf(1, 2), floatsOf(1, 2)]));
    expect((await register('r', object.key, 8)).status).toBe(OK[wire]);
    expect((await over.infer(server, from('r', 16), as('alice'))).message).toBe(
      "Invalid offset + byte size for shared memory region: 'r'",
    );
  });

  it('A24: a caller who leaves gives its regions back', async () => {
    using object = new ShmObject(floatsOf(1, 2));
    [entered, gate] = [new Deferred(), new Deferred()];
    await register('r', object.key, 8);
    const caller = new AbortController();
    const left = leave(caller.signal);
    await entered.promise;
    await over.unregister(server, 'r', as('alice'));
    expect((await over.status(server, '', as('alice'))).regions).toHaveLength(1);
    caller.abort();
    await left;
    while ((await over.status(server, '', as('alice'))).regions.length > 0);
    gate.resolve();
  });

  /** An inference on the region that its caller gives up. */
  const leave = (signal: AbortSignal): Promise<unknown> => {
    const place = { shared_memory_region: 'r', shared_memory_byte_size: 8 };
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [2], parameters: place }];
    const call =
      wire === 'rest'
        ? fetch(`${server.rest.url}/v2/models/slow/infer`, {
            method: 'POST',
            body: JSON.stringify({ inputs }),
            headers: as('alice'),
            signal,
          })
        : server.grpc.call(
            'ModelInfer',
            {
              model_name: 'slow',
              inputs: [
                {
                  ...inputs[0],
                  shape: ['2'],
                  parameters: {
                    shared_memory_region: { string_param: 'r' },
                    shared_memory_byte_size: { int64_param: '8' },
                  },
                },
              ],
            },
            { metadata: as('alice'), signal },
          );
    return call.catch(() => undefined);
  };

  it.each(['__proto__', 'constructor', 'a/b', '...', 'x'.repeat(400)])(
    'A47: %s is a name like any other',
    async (name) => {
      using object = new ShmObject(floatsOf(1, 2));
      expect((await register(name, object.key, 8)).status).toBe(OK[wire]);
      const { regions } = await over.status(server, '', as('alice'));
      expect(regions).toEqual([{ name, key: object.key, offset: 0, byte_size: 8 }]);
      expect((await over.infer(server, from(name), as('alice'))).outputs).toHaveLength(1);
      expect((await over.unregister(server, name, as('alice'))).status).toBe(OK[wire]);
    },
  );
});
