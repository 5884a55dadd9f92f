import { Logger } from '@nestjs/common';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { defineModel, serve, type TestServer } from '#testing';
import { vector } from '../../test/support/engine.js';
import { inferOver, inferPath } from '../../test/support/wires.js';
import { LoopDelay } from '../engine/lifecycle/loop-delay.js';
import { Deferred } from '../testing/deferred.js';
import { InferenceLimits } from './inference-limits.js';
import { InferenceConfig } from './inference.config.js';

const limitsOf = (config: Partial<InferenceConfig>, loop = new LoopDelay()) =>
  new InferenceLimits(Object.assign(new InferenceConfig(), config), loop);

const late = (p99: number) => {
  const loop = new LoopDelay();
  loop.watch(undefined, { start: () => undefined, stop: () => undefined, reset: () => undefined, p99: () => p99 });
  loop.tick();
  return loop;
};

it('takes as many inferences as allowed, and the next one when one has left', () => {
  const limits = limitsOf({ MAX_IN_FLIGHT: 2 });
  limits.enter();
  expect(limits.refusal()).toBeUndefined();
  limits.enter();
  expect(limits.refusal()).toMatchObject({ code: 'resource-exhausted', retryAfterMs: 1_000 });
  limits.leave();
  expect(limits.refusal()).toBeUndefined();
});

it('refuses nothing where there are no limits', () => {
  const limits = limitsOf({ MAX_IN_FLIGHT: 0 }, late(60_000));
  for (let i = 0; i < 20_000; i++) limits.enter();
  expect(limits.refusal()).toBeUndefined();
});

it('refuses inferences while the loop is later than allowed', () => {
  expect(limitsOf({ EVENT_LOOP_DELAY_LIMIT_MS: 100 }, late(100)).refusal()).toBeUndefined();
  expect(limitsOf({ EVENT_LOOP_DELAY_LIMIT_MS: 100 }, late(101)).refusal()).toMatchObject({
    code: 'unavailable',
    message: 'the server is 101 ms late with its work: try again later',
    retryAfterMs: 1_000,
  });
});

it('watches the loop only where there is a limit', () => {
  const loop = new LoopDelay();
  const watch = vi.spyOn(loop, 'watch').mockReturnValue();
  limitsOf({}, loop).onModuleInit();
  expect(watch).not.toHaveBeenCalled();
  limitsOf({ EVENT_LOOP_DELAY_LIMIT_MS: 1 }, loop).onModuleInit();
  expect(watch).toHaveBeenCalledOnce();
});

it('F63: logs once that the loop is late, and once that it is not any more', () => {
  const logged: string[] = [];
  const note =
    (level: string) =>
    (text: string): void =>
      void logged.push(`${level}: ${text}`);
  vi.spyOn(Logger.prototype, 'warn').mockImplementation(note('warn'));
  vi.spyOn(Logger.prototype, 'log').mockImplementation(note('log'));
  const loop = new LoopDelay();
  const watch = vi.spyOn(loop, 'watch').mockReturnValue();
  limitsOf({ EVENT_LOOP_DELAY_LIMIT_MS: 100 }, loop).onModuleInit();
  for (const p99 of [0, 100, 250.4, 300, 101, 100, 3, 0]) watch.mock.lastCall?.[0]?.(p99);
  vi.restoreAllMocks();
  const limit = '100 ms (EVENT_LOOP_DELAY_LIMIT_MS)';
  expect(logged).toEqual([
    `warn: the event loop is 250 ms late, more than ${limit}: inferences are refused until that is over`,
    `log: the event loop is 100 ms late, no more than ${limit}: inferences are served again`,
  ]);
});

describe('the server', () => {
  let server: TestServer;
  afterEach(() => server.close());

  const x = { name: 'x', datatype: 'FP32', shape: [1], data: [1] };
  const request = { model: 'slow', inputs: [x] };

  it('F58: refuses inferences beyond its cap over REST, before it reads them, and nothing else', async () => {
    const gate = new Deferred();
    const started = new Deferred();
    const slow = defineModel('slow', vector, async ({ x: value }) => {
      started.resolve();
      await gate.promise;
      return { y: value };
    });
    server = await serve(slow, { environment: { MAX_IN_FLIGHT: '1' } });
    const first = inferOver.rest(server, request);
    await started.promise;
    const refused = await server.rest.post(inferPath('slow'), 'this is never read');
    expect(refused).toMatchObject({ status: 429, json: { error: expect.stringContaining('1 inferences') as unknown } });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await server.rest.get('/v2/health/live')).status).toBe(200);
    expect((await server.rest.get('/v2/models/slow')).status).toBe(200);
    expect((await server.rest.post('/v2/repository/index')).status).toBe(200);
    gate.resolve();
    expect((await first).status).toBe(200);
    const limits = server.get(InferenceLimits);
    await vi.waitFor(() => expect(limits.inFlight).toBe(0));
    expect((await inferOver.rest(server, request)).status).toBe(200);
    await server.rest.post(inferPath('slow'), 'no JSON');
    await vi.waitFor(() => expect(limits.inFlight).toBe(0));
  });

  it('F63: answers 503 with a hint to inferences while its loop is late, and lives', async () => {
    server = await serve(
      defineModel('slow', vector, ({ x: value }) => ({ y: value })),
      {
        environment: { EVENT_LOOP_DELAY_LIMIT_MS: '100' },
      },
    );
    const delay = vi.spyOn(server.get(LoopDelay), 'p99Ms', 'get').mockReturnValue(5_000);
    const refused = await server.rest.post(inferPath('slow'), '{}');
    expect(refused).toMatchObject({
      status: 503,
      json: { error: 'the server is 5000 ms late with its work: try again later' },
    });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await server.rest.get('/v2/health/live')).json).toEqual({ live: true });
    expect((await server.rest.get('/v2/health/ready')).status).toBe(200);
    delay.mockReturnValue(0);
    expect((await inferOver.rest(server, request)).status).toBe(200);
  });
});
