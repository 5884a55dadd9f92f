import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { platform } from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atScale } from '../support/full-scale.js';
import { type MainProcess, mainProcesses } from '../support/main-process.js';
import { mainThreadMs, threadPriorities } from '../support/process-threads.js';

/** The built server reads and writes large JSON in threads of their own: what it says meanwhile comes at once. */

const root = join(import.meta.dirname, '../..');

const start = mainProcesses(afterAll);

/** Serves no other sample: what they take to load has no part in this. */
const begin = async (environment: Readonly<Record<string, string>> = {}): Promise<Server> => {
  const process = start({ LOAD_MODELS: 'doubler', ...environment });
  return { process, http: (await process.listening()).http };
};

interface Server {
  readonly http: string;
  readonly process: MainProcess;
}

let threads: Server;
let alone: Server;
/** How many threads stand back before the first of those for JSON. */
let standBack: number;

beforeAll(async () => {
  [threads, alone] = await Promise.all([begin(), begin({ JSON_THREADS: '0' })]);
  standBack = lowerPriorities(threads);
});

const ELEMENT = '0.12345678,';

/** A request of so many bytes, about, for a reply in binary data. */
function requestOf(size: number): { readonly count: number; readonly json: string } {
  const count = Math.floor(size / ELEMENT.length);
  const data = ELEMENT.repeat(count).slice(0, -1);
  const input = `{"name":"x","datatype":"FP32","shape":[${count}],"data":[${data}]}`;
  return { count, json: `{"parameters":{"binary_data_output":true},"inputs":[${input}]}` };
}

const typeOf = ({ headers }: Response) => headers.get('content-type');

const infer = async (
  http: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
) => {
  const reply = await fetch(`${http}/v2/models/doubler/infer`, {
    method: 'POST',
    body,
    headers: { 'accept-encoding': 'identity', ...headers },
  });
  return { reply, bytes: Buffer.from(await reply.arrayBuffer()) };
};

/**
 * Expects that the loop of a server with threads computes only a part of what one without does there; gives what both
 * answered. What its thread computes is the same on a busy machine, where waiting is not. Linux alone tells it.
 */
async function expectFreeLoop<T>(
  threads: Server,
  alone: Server,
  ask: (http: string) => Promise<T>,
  part = 0.5,
): Promise<{ offloaded: T; inline: T }> {
  const inline = await measured(alone, ask);
  const offloaded = await measured(threads, ask);
  if (platform === 'linux') expect(offloaded.loopMs).toBeLessThan(inline.loopMs * part);
  return { offloaded: offloaded.result, inline: inline.result };
}

async function measured<T>({ http, process: { pid } }: Server, ask: (http: string) => Promise<T>) {
  const computed = (): number => (platform === 'linux' ? mainThreadMs(pid) : 0);
  const before = computed();
  const result = await ask(http);
  return { result, loopMs: computed() - before };
}

/** How many threads let the others go first. */
const lowerPriorities = ({ process: { pid } }: Server): number =>
  platform === 'linux' ? threadPriorities(pid).filter((nice) => nice > 0).length : 0;

const MEGABYTES = atScale(32, 8);

describe(`JSON of ${MEGABYTES} MB`, { timeout: 60_000 }, () => {
  const { json, count } = requestOf(MEGABYTES * 2 ** 20);
  const values = new Float32Array(count).fill(0.12345678);
  const parameters = { binary_data_size: values.byteLength };
  const head = Buffer.from(
    JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [count], parameters }], outputs: [{ name: 'y' }] }),
  );
  const binary = Buffer.concat([head, Buffer.from(values.buffer)]);
  const binaryHeaders = { 'inference-header-content-length': String(head.length) };

  it('is read and written while the server lives on, and the same with threads and without', async () => {
    const asks = [(http: string) => infer(http, json), (http: string) => infer(http, binary, binaryHeaders)];
    for (const ask of asks) {
      // The first time starts the threads, and warms the code.
      await Promise.all([ask(threads.http), ask(alone.http)]);
      const { offloaded, inline } = await expectFreeLoop(threads, alone, ask);
      expect([offloaded.reply.status, inline.reply.status]).toEqual([200, 200]);
      expect(offloaded.bytes.equals(inline.bytes)).toBe(true);
      expect(typeOf(offloaded.reply)).toBe(typeOf(inline.reply));
    }
    if (platform === 'linux') expect(lowerPriorities(threads)).toBeGreaterThan(standBack);
    const { reply, bytes } = await infer(threads.http, binary, binaryHeaders);
    expect(typeOf(reply)).toBe('application/json; charset=utf-8');
    const [output] = (JSON.parse(bytes.toString('latin1')) as { outputs: { data: number[] }[] }).outputs;
    expect(output?.data).toHaveLength(count);
    expect(output?.data.at(-1)).toBeCloseTo(0.246_913_56);
  });
});

describe('JSON of other protocols', { timeout: 60_000 }, () => {
  const size = 4 * 2 ** 20;
  const data = ELEMENT.repeat(Math.floor(size / ELEMENT.length)).slice(0, -1);
  const post = async (http: string, path: string, body: string) => {
    const reply = await fetch(`${http}${path}`, { method: 'POST', body });
    return { status: reply.status, type: typeOf(reply), text: await reply.text() };
  };
  const routes = [
    ['/v1/models/doubler:predict', `{"instances":[${data}]}`],
    ['/v2/models/doubler/generate', `{"id":"g","x":[${data}]}`],
  ] as const;

  it('is read and written while the server lives on, and the same with threads and without, errors included', async () => {
    const threads = await begin({ JSON_OFFLOAD_BYTES: '0' });
    for (const [path, body] of routes) {
      // The first time starts the threads, and warms the code.
      await Promise.all([post(threads.http, path, body), post(alone.http, path, body)]);
      // Where only the reading or the writing is done beside the loop, about half is left.
      const { offloaded, inline } = await expectFreeLoop(threads, alone, (http) => post(http, path, body), 0.4);
      expect([offloaded.status, offloaded.type]).toEqual([200, inline.type]);
      expect(offloaded.text === inline.text).toBe(true);
      expect(offloaded.text).toContain('0.24691356');
    }
    const cases: readonly (readonly [path: string, body: string, error: RegExp])[] = [
      ['/v1/models/doubler:predict', '{"instances":[1],"instances":[2]}', /'instances' stands twice/],
      ['/v1/models/doubler:predict', '{"instances":[{"z":1}]}', /z/],
      ['/v1/models/doubler:predict', '{"instances":["a"]}', /takes a number/],
      ['/v2/models/doubler/generate', '{"x":[1],"x":[2]}', /input 'x' already exists in request/],
      ['/v2/models/doubler/generate', '{"x":[{}]}', /an object in it/],
      ['/v2/models/doubler/generate', '{"x":[1', /not JSON/],
      [
        '/v2/models/doubler/generate',
        '{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[1]}]}',
        /shape does not match/,
      ],
    ];
    for (const [path, body, error] of cases) {
      const answer = await post(threads.http, path, body);
      expect(answer).toEqual(await post(alone.http, path, body));
      expect(answer).toMatchObject({ status: 400, text: expect.stringMatching(error) as string });
    }
    const inference = '{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[2]}]}';
    expect(await post(threads.http, '/v2/models/doubler/generate', inference)).toMatchObject({
      status: 200,
      text: expect.stringContaining('"outputs"') as string,
    });
  });
});

describe('JSON above the limit of a thread', { timeout: 60_000 }, () => {
  const { json, count } = requestOf(2 * 2 ** 20);

  it('that is wrong is the same error, and the thread serves on', async () => {
    const { http } = threads;
    const errorOf = async (body: string) => {
      const { reply, bytes } = await infer(http, body);
      return [reply.status, (JSON.parse(String(bytes)) as { error: string }).error];
    };
    const cases: readonly (readonly [string, RegExp])[] = [
      [json.slice(0, -3), /^Unable to parse 'inputs': the body is not JSON/],
      [json.replace(`[${count}]`, `[${count - 1}]`), /^Unable to parse 'data': Shape does not match true shape/],
      [json.replace('"FP32"', '"INT32"'), /data-type is 'INT32', but model 'doubler' expects 'FP32'/],
      [json.replace('"FP32"', '"FP99"'), /^invalid datatype for input x/],
      [json.replace('"x"', '"z"'), /'z'|\bx\b/],
      [`${json.slice(0, -1)},"deep":${'['.repeat(250_000)}`, /not JSON/],
    ];
    for (const [body, message] of cases) expect(await errorOf(body)).toEqual([400, expect.stringMatching(message)]);
    expect((await infer(http, json)).reply.status).toBe(200);
  });

  it('given up by its caller is not answered, and the server ends in peace', async () => {
    const { http, process } = await begin({ SHUTDOWN_DRAIN_MS: '5000' });
    const caller = new AbortController();
    const requests = Array.from({ length: 5 }, () =>
      fetch(`${http}/v2/models/doubler/infer`, { method: 'POST', body: json, signal: caller.signal }),
    );
    const settled = Promise.allSettled(requests);
    await fetch(`${http}/v2/health/live`);
    caller.abort();
    expect((await settled).every(({ status }) => status === 'rejected')).toBe(true);
    expect((await fetch(`${http}/v2/health/live`)).status).toBe(200);
    process.kill('SIGTERM');
    expect(await process.ended).toBe(0);
  });
});

const IMPORT = /^(?:import|export) (?:[^'\n]* from )?'([^']+)';$/gm;

it('the thread imports the codec and nothing of the framework', () => {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      if (name.startsWith('.')) visit(resolve(dirname(file), name));
      else packages.add(name);
    }
  };
  const folder = join(root, 'dist/protocol/rest/codec');
  expect(readdirSync(folder)).toContain('codec-thread.js');
  visit(join(folder, 'codec-thread.js'));
  // What it finds by its address, where a body or a reply is of another form.
  for (const module of [
    'generate/read-generate.js',
    'generate/encode-generate.js',
    'kserve-v1/decode-prediction.js',
    'kserve-v1/encode-predictions.js',
  ]) {
    visit(join(root, 'dist/extensions', module));
  }
  expect(seen.size).toBeGreaterThan(10);
  expect([...packages].filter((name) => !name.startsWith('node:'))).toEqual([]);
});
