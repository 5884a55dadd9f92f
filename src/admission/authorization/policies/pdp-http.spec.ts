import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DecisionPoint, flood, json, type Reply, silence } from '../../../../test/support/decision-point.js';
import { ConfigurationError } from '../../../config/configuration-error.js';
import { ServingError } from '../../../core/errors/serving-error.js';
import { PdpHttp } from './pdp-http.js';

let log: string[];

beforeEach(() => {
  log = [];
  const keep = (entry: unknown): void => void log.push(JSON.stringify(entry));
  vi.spyOn(Logger.prototype, 'error').mockImplementation(keep);
  vi.spyOn(Logger.prototype, 'log').mockImplementation(keep);
});

afterEach(() => vi.restoreAllMocks());

const client = (url: string | undefined, timeoutMs = 10_000) =>
  new PdpHttp({ key: 'OPA_URL', url, timeoutMs, contentType: 'application/json' });

const errorOf = (pending: Promise<unknown>): Promise<unknown> =>
  pending.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );

const failure = expect.objectContaining({
  code: 'unavailable',
  message: 'The authorization policy gave no decision: try again',
  retryAfterMs: 1_000,
}) as unknown;

it('posts JSON, and gives back the object that is answered', async () => {
  await using point = await DecisionPoint.start(json({ result: { allow: true } }));
  expect(await client(point.url).ask({ input: { user: 'ci' } })).toEqual({ result: { allow: true } });
  expect(point.questions).toMatchObject([
    { method: 'POST', url: '/v1/data/inference/allow', headers: { 'content-type': 'application/json' } },
  ]);
  expect(point.bodies).toEqual([{ input: { user: 'ci' } }]);
});

const REDIRECT: Reply = (response) => response.writeHead(307, { location: '/elsewhere' }).end('{"result":true}');

describe.each<[string, Reply, string]>([
  ['garbage', (response) => response.end('permit'), 'JSON'],
  ['nothing', (response) => response.end(), 'JSON'],
  ['text in JSON', json('permit'), 'no JSON object'],
  ['null', json(null), 'no JSON object'],
  ['an error status with a permit', json({ result: true }, 500), 'status 500'],
  ['another success status', json({ result: true }, 201), 'status 201'],
  ['a redirect', REDIRECT, 'status 307'],
  ['a flood', flood, 'larger than 65536 bytes'],
  ['a reset', (response) => response.destroy(), 'fetch failed'],
  ['half an answer', (response) => void response.write('{"result":tr', () => response.destroy()), ''],
])('a decision point that answers with %s', (_, reply, reason) => {
  it('gives no decision, is not followed, and is told of in the log alone', async () => {
    await using point = await DecisionPoint.start(reply);
    expect(await errorOf(client(point.url).ask({}))).toEqual(failure);
    expect(point.questions).toHaveLength(1);
    expect(log).toHaveLength(1);
    expect(log[0]).toContain(reason);
  });
});

it('waits no longer than it may, for the head and for the rest', async () => {
  await using point = await DecisionPoint.start(silence);
  const impatient = client(point.url, 20);
  expect(await errorOf(impatient.ask({}))).toEqual(failure);
  point.reply = (response) => void response.writeHead(200).write('{"result":');
  expect(await errorOf(impatient.ask({}))).toEqual(failure);
  expect(log[0]).toContain('timeout');
});

it('logs once that nobody is there, and once that someone is again', async () => {
  await using point = await DecisionPoint.start(json({}, 503));
  const http = client(point.url);
  for (let round = 0; round < 3; round++) expect(await errorOf(http.ask({}))).toEqual(failure);
  point.reply = json({ result: true });
  await http.ask({});
  await http.ask({});
  expect(log).toHaveLength(2);
  await point[Symbol.asyncDispose]();
  expect(await errorOf(http.ask({}))).toEqual(failure);
  expect(log).toHaveLength(3);
});

it('does not pile up questions, nor send large ones', async () => {
  await using point = await DecisionPoint.start(silence);
  const http = client(point.url);
  const asked = Array.from({ length: 256 }, () => errorOf(http.ask({})));
  expect(await errorOf(http.ask({}))).toEqual(failure);
  const refusal = await errorOf(http.ask({ model: 'm'.repeat(65_536) }));
  expect((refusal as ServingError).code).toBe('permission-denied');
  await point[Symbol.asyncDispose]();
  await Promise.all(asked);
});

it.each([undefined, 'localhost:8181', 'file:///etc/passwd', 'http://', 'http://user:hush@localhost:8181/'])(
  'ends the start over the URL %s, and repeats no password',
  (url) => {
    const open = () => client(url);
    expect(open).toThrow(ConfigurationError);
    expect(open).toThrow(/OPA_URL is (?:unset|no URL)/);
    expect(open).not.toThrow('hush');
  },
);
