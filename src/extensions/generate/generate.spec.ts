import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  bool,
  bytes,
  fp16,
  fp32,
  type InferContext,
  type Inputs,
  int32,
  int64,
  Model,
  optional,
  ServingError,
  signature,
} from '#core';
import { defineModel, serve, type TestServer } from '#testing';
import { captureLog } from '../../../test/support/captured-log.js';
import { HttpSocket } from '../../../test/support/http-socket.js';
import { rawPost } from '../../../test/support/raw-http.js';
import { CallObserver } from '../../protocol/call/call-observer.js';
import { Deferred } from '../../testing/deferred.js';

const language = signature({
  inputs: { PROMPT: bytes(1, 1), STREAM: bool(1, 1), input_ids: optional(int32(1, -1)) },
  outputs: { TEXT: bytes(1, -1) },
});

/** How far the model came, and whether all its runs are over. */
const progress = { yielded: 0, running: 0, ended: new Deferred(), aborted: false };

let started = new Deferred();

/** Says its prompt as often as it is told, in one response or in one for each time. */
@Model('llm', language)
class LanguageModel {
  async *stream({ PROMPT, STREAM, input_ids }: Inputs<typeof language>, { parameters, signal }: InferContext) {
    const [text = ''] = PROMPT.text();
    const times = Number(parameters.get('REPETITION') ?? input_ids?.data.length ?? 1);
    const said = bytes.of([1, 1], [text]);
    progress.yielded = 0;
    if (progress.running++ === 0) progress.ended = new Deferred();
    started.resolve();
    try {
      if (STREAM.data[0] === 0)
        yield {
          TEXT: bytes.of(
            [1, times],
            Array.from({ length: times }, () => text),
          ),
        };
      else {
        for (; progress.yielded < times; progress.yielded++) yield { TEXT: said };
      }
      if (parameters.get('WAIT') === true) await once(signal, 'abort');
      if (parameters.get('FAIL_LAST') === true) throw new ServingError('unavailable', 'out of words');
      if (parameters.get('BREAK') === true) throw new Error('the password is hunter2');
    } finally {
      progress.aborted = signal.aborted;
      if (--progress.running === 0) progress.ended.resolve();
    }
  }
}

const all = signature({
  inputs: { ids: int64(-1, 2), scale: fp32(1), note: optional(bytes(-1, -1)) },
  outputs: { ids: int64(-1, 2), scale: fp32(1), empty: fp32(-1) },
});
const echo = defineModel('echo', all, ({ ids, scale }, { response, parameters }) => {
  for (const [name, value] of parameters) response.parameters.set(name, value);
  return { ids, scale, empty: fp32.of([0], []) };
});

const halves = signature({ inputs: { x: fp32(1) }, outputs: { y: fp16(1) } });
const half = defineModel('half', halves, ({ x }) => ({ y: fp16.of([1], x.data) }));

const named = signature({ inputs: { inputs: bytes(1) }, outputs: { model_name: bytes(1) } });
const odd = defineModel('odd', named, ({ inputs }) => ({ model_name: inputs }));

const sum = signature({ inputs: { x: int32(-1) }, outputs: { y: int32(-1) } });
const double = defineModel('double', sum, ({ x }) => ({ y: x.map((value) => value * 2) }));

const logged = captureLog();

let server: TestServer;
beforeAll(async () => {
  const environment = { REST_SEND_TIMEOUT_MS: '60000' };
  server = await serve([LanguageModel, echo, half, odd, double], { environment });
});
afterAll(() => server.close());
beforeEach(() => {
  progress.aborted = false;
  started = new Deferred();
});

const generate = (body: unknown, model = 'llm', version = '') =>
  server.rest.post(`/v2/models/${model}${version}/generate`, body);
const stream = (body: unknown, model = 'llm') => server.rest.post(`/v2/models/${model}/generate_stream`, body);

/** The events of a stream, parsed. */
const eventsOf = (text: string): unknown[] =>
  text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => {
      expect(event.startsWith('data: ')).toBe(true);
      return JSON.parse(event.slice('data: '.length)) as unknown;
    });

const llm = { model_name: 'llm', model_version: '1' };

describe('generate', () => {
  it('takes inputs and parameters by their names, and gives one value as it is', async () => {
    const reply = await generate({ id: '42', PROMPT: 'hello', STREAM: false, other: 1 });
    expect(reply.headers.get('content-type')).toContain('application/json');
    expect([reply.status, reply.json]).toEqual([200, { ...llm, id: '42', TEXT: 'hello' }]);
    expect((await generate({ PROMPT: ['hi'], STREAM: [false] }, 'llm', '/versions/1')).json).toEqual({
      ...llm,
      TEXT: 'hi',
    });
  });

  it('gives several values as an array, and none as an empty one', async () => {
    expect((await generate({ PROMPT: 'a', STREAM: false, parameters: { REPETITION: 2 } })).json).toEqual({
      ...llm,
      TEXT: ['a', 'a'],
    });
    expect((await generate({ PROMPT: 'a', STREAM: false, REPETITION: 0 })).json).toEqual({ ...llm, TEXT: [] });
    expect((await generate({ PROMPT: 'a', parameters: { STREAM: false, input_ids: [1, 2, 3] } })).json).toEqual({
      ...llm,
      TEXT: ['a', 'a', 'a'],
    });
  });

  it('tells observers of calls the version that answered', async () => {
    const finished = vi.spyOn(server.get(CallObserver), 'finished');
    await generate({ x: [1] }, 'double');
    await stream({ x: [1] }, 'double');
    await vi.waitFor(() => expect(finished).toHaveBeenCalledTimes(2));
    expect(finished.mock.calls.map(([{ version }]) => version)).toEqual(['1', '1']);
  });

  it('keeps every digit, fills shapes, and echoes parameters of every kind', async () => {
    const text =
      '{"ids":[1,9223372036854775807,-3,4],"scale":0.5,"note":[],"n":18446744073709551615,"d":1.5,"b":true,"s":"x"}';
    const reply = await generate(text, 'echo');
    expect(reply.bytes.toString()).toBe(
      '{"model_name":"echo","model_version":"1","n":18446744073709551615,"d":1.5,"b":true,"s":"x",' +
        '"ids":[1,9223372036854775807,-3,4],"scale":0.5,"empty":[]}',
    );
    // Of several dimensions that take any size, all elements lie in the last.
    expect((await generate({ ids: [1, 2], scale: 0.5, note: ['a', 'b', 'c'] }, 'echo')).status).toBe(200);
  });

  it('lets a name of the model stand for its own tensor', async () => {
    expect((await generate({ inputs: 'text' }, 'odd')).json).toEqual({ model_name: 'text', model_version: '1' });
    expect((await generate({ inputs: [{}] }, 'odd')).json).toEqual({
      error: expect.stringContaining("input 'inputs' takes strings, got") as string,
    });
  });

  const prompt = { PROMPT: 'a', STREAM: false };
  it.each<[unknown, string]>([
    [{}, 'expected number of inputs between 2 and 3 but got 0 inputs'],
    [{ abc: 123 }, 'expected number of inputs between 2 and 3 but got 0 inputs'],
    [{ PROMPT: 'a' }, 'expected number of inputs between 2 and 3 but got 1 inputs'],
    [{ PROMPT: 123, STREAM: false }, "attempt to access JSON non-string as string: input 'PROMPT'"],
    [{ PROMPT: 'a', STREAM: 'false' }, "attempt to access JSON non-boolean as boolean: input 'STREAM'"],
    [{ PROMPT: true, STREAM: 123 }, 'attempt to access JSON non-string as string'],
    [{ STREAM: 123, PROMPT: true }, 'attempt to access JSON non-boolean as boolean'],
    [{ ...prompt, PARAMS: { a: 1 } }, "parameter 'PARAMS' has invalid type. It should be either"],
    [{ ...prompt, inputs: [1] }, "parameter 'inputs' has invalid type. It should be either"],
    [{ ...prompt, PARAMS: null }, "parameter 'PARAMS' has invalid type. It should be either"],
    [
      { ...prompt, parameters: { nested: { a: 1 } } },
      "Converting keyword: 'parameters': parameter 'nested' has invalid type.",
    ],
    [{ ...prompt, parameters: 'x' }, "Expected JSON object for keyword: 'parameters'"],
    [{ ...prompt, id: 7 }, "Unable to parse 'id'"],
    [{ ...prompt, triton_x: 1 }, 'reserved for Triton usage'],
    [{ ...prompt, input_ids: [[1]] }, "input 'input_ids' takes a value, or an array of values"],
    [{ ...prompt, input_ids: ['1'] }, "input 'input_ids' of datatype INT32 takes an integer"],
    [{ ...prompt, PROMPT: ['a', 'b'] }, "input 'PROMPT' has shape [1,1], expected 1 elements, got 2"],
    ['{"PROMPT":"a","PROMPT":"b","STREAM":true}', "input 'PROMPT' already exists in request"],
    ['{"PROMPT":"a","STREAM":true,"STREAM":true}', "input 'STREAM' already exists in request"],
    ['{"PROMPT":"a","STREAM":true,"parameters":{"PROMPT":"b"}}', "input 'PROMPT' already exists in request"],
    ['{"PROMPT":"a","STREAM":true,"k":1,"parameters":{"k":2}}', "parameter 'k' already exists in request"],
    ['{"PROMPT":"a","STREAM":true,"parameters":{"k":1,"k":2}}', "parameter 'k' already exists in request"],
    ['{"PROMPT"', "Unable to parse 'inputs': the body is not JSON"],
    ['[1]', 'must be a JSON object'],
    ['', 'the body is empty'],
  ])('refuses %j', async (body, message) => {
    for (const reply of [await generate(body), await stream(body)]) {
      expect(reply.status).toBe(400);
      expect(reply.headers.get('content-type')).toBe('application/json');
      expect(reply.json).toEqual({ error: expect.stringContaining(message) as string });
    }
  });

  it('refuses elements that do not fill the shape', async () => {
    const reply = await generate({ ids: [1, 2, 3], scale: 1 }, 'echo');
    expect([reply.status, reply.json]).toEqual([
      400,
      { error: expect.stringContaining("input 'ids' has shape [2,2], expected 4 elements, got 3") as string },
    ]);
  });

  it('finds no unknown model or version, and takes no compressed body', async () => {
    expect((await generate({}, 'nope')).json).toEqual({ error: "Request for unknown model: 'nope' is not found" });
    expect((await generate({}, 'llm', '/versions/9')).status).toBe(404);
    for (const coding of ['gzip', 'br']) {
      const reply = await server.rest.post('/v2/models/llm/generate', 'x', { 'content-encoding': coding });
      expect([reply.status, reply.json]).toEqual([
        400,
        { error: expect.stringContaining('Content-Encoding') as string },
      ]);
    }
  });

  it('expects one response, and JSON that can carry it', async () => {
    const many = {
      error:
        'generate expects model to produce exactly 1 response, use generate stream for model that generates various number of responses',
    };
    for (const REPETITION of [0, 2, 1_000_000]) {
      const reply = await generate({ PROMPT: 'a', STREAM: true, REPETITION });
      expect([reply.status, reply.json]).toEqual([500, many]);
      expect(progress.yielded).toBeLessThan(3);
    }
    expect((await generate({ x: 1 }, 'half')).json).toEqual({
      error: expect.stringContaining('sending FP16 data via JSON is not supported') as string,
    });
    const failed = await generate({ PROMPT: 'a', STREAM: false, FAIL_LAST: true });
    expect([failed.status, failed.json]).toEqual([503, { error: 'out of words' }]);
  });

  it("takes an inference request as MLServer's clients send it there", async () => {
    const body = { inputs: [{ name: 'x', datatype: 'INT32', shape: [2], data: [1, 2] }] };
    const answer = {
      model_name: 'double',
      model_version: '1',
      outputs: [{ name: 'y', datatype: 'INT32', shape: [2], data: [2, 4] }],
    };
    expect((await generate(body, 'double')).json).toEqual(answer);
    expect(eventsOf((await stream(body, 'double')).bytes.toString())).toEqual([answer]);
  });
});

describe('generate_stream', () => {
  it('sends an event for each response, with the headers of a stream', async () => {
    const reply = await stream({ PROMPT: 'a\nb', STREAM: true, REPETITION: 3, id: 'i' });
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    // Nothing on the way may gather the events.
    expect([reply.headers.get('cache-control'), reply.headers.get('x-accel-buffering')]).toEqual(['no-cache', 'no']);
    expect(reply.headers.get('x-request-id')).toBe('i');
    const event = { ...llm, id: 'i', TEXT: 'a\nb' };
    expect(eventsOf(reply.bytes.toString())).toEqual([event, event, event]);
    expect((await stream({ PROMPT: 'a', STREAM: true, REPETITION: 0 })).bytes).toHaveLength(0);
  });

  it('answers with a status what fails before the first response, and tells the rest as an event', async () => {
    const early = await stream({ PROMPT: 'a', STREAM: true, REPETITION: 0, FAIL_LAST: true });
    expect([early.status, early.headers.get('content-type'), early.json]).toEqual([
      503,
      'application/json',
      { error: 'out of words' },
    ]);
    const late = await stream({ PROMPT: 'a', STREAM: true, FAIL_LAST: true });
    expect(late.status).toBe(200);
    expect(eventsOf(late.bytes.toString())).toEqual([{ ...llm, TEXT: 'a' }, { error: 'out of words' }]);
    const broken = await stream({ PROMPT: 'a', STREAM: true, BREAK: true });
    expect(eventsOf(broken.bytes.toString())[1]).toEqual({ error: "model 'llm' failed to execute the request" });
    expect(logged()).toContain('the password is hunter2');
  });

  it('sends what there is at once, and F34 ends the model when the caller leaves', async () => {
    const caller = new AbortController();
    const reply = await fetch(`${server.rest.url}/v2/models/llm/generate_stream`, {
      method: 'POST',
      body: JSON.stringify({ PROMPT: 'a', STREAM: true, WAIT: true }),
      signal: caller.signal,
    });
    const { value } = (await reply.body?.getReader().read()) ?? {};
    expect(eventsOf(Buffer.from(value ?? []).toString())).toEqual([{ ...llm, TEXT: 'a' }]);
    caller.abort();
    await progress.ended.promise;
    expect(progress.aborted).toBe(true);
    await expectServed();
  });

  const text = 'x'.repeat(100_000);
  const flood = (times: number): string => {
    const body = JSON.stringify({ PROMPT: text, STREAM: true, REPETITION: times });
    return rawPost('/v2/models/llm/generate_stream', [`Content-Length: ${body.length}`], body);
  };

  it('pauses the model while the caller takes nothing, and goes on when it does', async () => {
    const caller = new HttpSocket(server);
    caller.socket.pause();
    await caller.write(flood(300));
    const reached = await pausedAt();
    expect(reached).toBeLessThan(200);
    caller.socket.resume();
    await caller.closed;
    expect(progress.yielded).toBe(300);
    expect(caller.text.split('data: ').length - 1).toBe(300);
  });

  it('F34 ends the model when a caller leaves who took nothing', async () => {
    const caller = new HttpSocket(server);
    caller.socket.pause();
    await caller.write(flood(300));
    await pausedAt();
    caller.destroy();
    await progress.ended.promise;
    expect(progress.yielded).toBeLessThan(200);
    await expectServed();
  });

  it('F34 ends the model when a caller leaves whose reply still waits for another', async () => {
    const caller = new HttpSocket(server);
    const first = JSON.stringify({ PROMPT: 'a', STREAM: true, WAIT: true });
    const path = '/v2/models/llm/generate_stream';
    await caller.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${first.length}\r\n\r\n${first}`);
    await caller.received(1);
    await caller.write(flood(300));
    await pausedAt();
    caller.destroy();
    await progress.ended.promise;
    expect(progress.yielded).toBeLessThan(200);
    await expectServed();
  });

  it('gives up a caller who takes nothing for too long, but waits for a model that takes its time', async () => {
    await using impatient = await serve([LanguageModel], {
      environment: { REST_SEND_TIMEOUT_MS: '50', REQUEST_TIMEOUT_MS: '400' },
    });
    const slow = await impatient.rest.post('/v2/models/llm/generate_stream', { PROMPT: 'a', STREAM: true, WAIT: true });
    expect(eventsOf(slow.bytes.toString())).toEqual([{ ...llm, TEXT: 'a' }, { error: 'Deadline Exceeded' }]);
    const caller = new HttpSocket(impatient);
    caller.socket.pause();
    started = new Deferred();
    await caller.write(flood(300));
    await started.promise;
    await progress.ended.promise;
    expect(progress.yielded).toBeLessThan(200);
    caller.destroy();
  });
});

/** How far the model came when it went no further. */
async function pausedAt(): Promise<number> {
  let before = -1;
  while (before !== progress.yielded || before < 1) {
    before = progress.yielded;
    for (let round = 0; round < 50; round++) await server.rest.get('/v2/health/live');
  }
  return before;
}

async function expectServed(): Promise<void> {
  expect((await generate({ PROMPT: 'still here', STREAM: false })).json).toEqual({ ...llm, TEXT: 'still here' });
}
