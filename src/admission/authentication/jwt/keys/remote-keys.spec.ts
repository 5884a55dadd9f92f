import { gzipSync } from 'node:zlib';
import { Logger } from '@nestjs/common';
import { type CryptoKey, errors } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KeySetServer } from '../../../../../test/support/key-set-server.js';
import { issuer } from '../../../../../test/support/tokens.js';
import { RemoteKeys } from './remote-keys.js';

const [first, second] = [issuer('ES256', 'k-1'), issuer('ES256', 'k-2')];
const [FIRST, SECOND] = [await first.jwk(), await second.jwk()];

let server: KeySetServer;
let now: number;
const onChange = vi.fn<() => void>();
const logged = vi.spyOn(Logger.prototype, 'error');

beforeEach(async () => {
  now = 1_000_000;
  onChange.mockReset();
  vi.spyOn(Logger.prototype, 'log').mockReturnValue();
  logged.mockReset().mockReturnValue();
  server = await KeySetServer.start(KeySetServer.keys(FIRST));
});

afterEach(() => server.close());

const make = ({ url = server.url, timeoutMs = 3_000 } = {}) =>
  new RemoteKeys({ url: new URL(url), algorithms: ['ES256'], timeoutMs, onChange, clock: () => now });

const find = (keys: RemoteKeys, kid: string): Promise<CryptoKey> => keys.keyFor({ alg: 'ES256', kid });

const unavailable = (retryAfterMs: number) =>
  expect.objectContaining({ code: 'unavailable', retryAfterMs }) as unknown as Error;

/** Waits for what was begun without waiting. */
const settle = (keys: RemoteKeys): Promise<unknown> => find(keys, 'none-such').catch(() => undefined);

describe('a key set', () => {
  it('is fetched once, for all who wait and for all who come after', async () => {
    const keys = make();
    await Promise.all([find(keys, 'k-1'), find(keys, 'k-1'), find(keys, 'k-1')]);
    await find(keys, 'k-1');
    expect(server.requests).toBe(1);
  });

  it('is asked anew for an unknown kid, but not within 30 s of the last time', async () => {
    const keys = make();
    await find(keys, 'k-1');
    server.answer = KeySetServer.keys(FIRST, SECOND);
    now += 29_999;
    await expect(find(keys, 'k-2')).rejects.toThrow(errors.JWKSNoMatchingKey);
    expect(server.requests).toBe(1);
    now += 1;
    await find(keys, 'k-2');
    expect(server.requests).toBe(2);
    await Promise.allSettled(Array.from({ length: 100 }, (_, index) => find(keys, `made-up-${index}`)));
    expect(server.requests).toBe(2);
  });

  it('is fetched again in the background after ten minutes: a key that was withdrawn goes', async () => {
    const keys = make();
    keys.refreshIfDue();
    await find(keys, 'k-1');
    keys.refreshIfDue();
    now += 599_999;
    keys.refreshIfDue();
    expect(server.requests).toBe(1);
    server.answer = KeySetServer.keys(SECOND);
    now += 1;
    keys.refreshIfDue();
    await settle(keys);
    expect(server.requests).toBe(2);
    await expect(find(keys, 'k-1')).rejects.toThrow(errors.JWKSNoMatchingKey);
  });

  it('tells of a change, and of nothing else', async () => {
    const keys = make();
    await find(keys, 'k-1');
    expect(onChange).toHaveBeenCalledTimes(1);
    now += 30_000;
    await settle(keys);
    expect(server.requests).toBe(2);
    expect(onChange).toHaveBeenCalledTimes(1);
    server.answer = KeySetServer.keys(FIRST, SECOND);
    now += 30_000;
    await settle(keys);
    expect(onChange).toHaveBeenCalledTimes(2);
  });

  it('that rotates all the time is not fetched any more often', async () => {
    let kid = 0;
    server.answer = (request, response) => KeySetServer.keys({ ...FIRST, kid: `k-${++kid}` })(request, response);
    const keys = make();
    for (let second = 0; second < 120; second++) {
      await find(keys, 'made-up').catch(() => undefined);
      now += 1_000;
    }
    expect(server.requests).toBe(4);
  });

  it('gives no key to a token that would fit several', async () => {
    server.answer = KeySetServer.keys(FIRST, { ...SECOND, kid: 'k-1' });
    await expect(find(make(), 'k-1')).rejects.toThrow(errors.JWKSMultipleMatchingKeys);
  });

  it.each(['__proto__', 'constructor', '../k-1', "' OR 1=1 --", 'http://127.0.0.1/k-1', 'k-1\0', 'k'.repeat(10_000)])(
    'is not left by the kid %s',
    async (kid) => {
      await expect(find(make(), kid)).rejects.toThrow(errors.JWKSNoMatchingKey);
      expect(server.requests).toBe(1);
    },
  );
});

const bad = {
  'is not found': [KeySetServer.status(404), 'it answers 404'],
  'redirects to a private address': [
    KeySetServer.status(302, { location: 'http://169.254.169.254/latest/meta-data' }),
    'it redirects (302), which is not followed',
  ],
  'answers with no JSON': [KeySetServer.text('<html>'), 'no key set that has a public key'],
  'answers with other JSON': [KeySetServer.text('{"keys":{}}'), 'no key set that has a public key'],
  'answers with null': [KeySetServer.text('null'), 'no key set that has a public key'],
  'answers with no keys': [KeySetServer.text('{"keys":[]}'), 'no key set that has a public key'],
  'answers with secrets alone': [KeySetServer.text('{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'), 'no key set'],
  'answers with keys that are none': [KeySetServer.text('{"keys":[null,{"kty":"EC"},7]}'), 'malformed'],
  'answers with more than 1 MiB': [
    KeySetServer.text(JSON.stringify({ keys: [FIRST] }).padEnd(1_048_577)),
    'more than 1048576 bytes',
  ],
  'answers with a bomb': [
    (_, response) => void response.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(20_000_000, ' '))),
    'more than 1048576 bytes',
  ],
  'never stops': [
    (_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    },
    'more than 1048576 bytes',
  ],
  'hangs up': [(request) => void request.socket.destroy(), 'fetch failed'],
} as const satisfies Record<string, readonly [KeySetServer['answer'], string]>;

describe.each(Object.entries(bad))('an endpoint that %s', (_, [answer, reason]) => {
  it('leaves callers to try again, where there never was a key set', async () => {
    server.answer = answer;
    const keys = make();
    await expect(find(keys, 'k-1')).rejects.toThrow(unavailable(1_000));
    await expect(find(keys, 'k-1')).rejects.toThrow('The keys that tokens are checked with cannot be fetched');
    expect(server.requests).toBe(1);
    expect(JSON.stringify(logged.mock.calls)).toContain(reason);
  });

  it('leaves the last key set in use, and is complained of once', async () => {
    const keys = make();
    await find(keys, 'k-1');
    server.answer = answer;
    for (let minute = 0; minute < 3; minute++) {
      now += 60_000;
      await settle(keys);
      await find(keys, 'k-1');
    }
    expect(server.requests).toBe(4);
    expect(logged).toHaveBeenCalledTimes(1);
    expect(onChange).toHaveBeenCalledTimes(1);
    server.answer = KeySetServer.keys(SECOND);
    now += 60_000;
    await find(keys, 'k-2');
  });
});

describe('an endpoint that takes too long', () => {
  it.each([
    ['to answer', () => undefined],
    ['to finish', (_, response) => void response.writeHead(200).write('{"keys":[')],
  ] as const satisfies [string, KeySetServer['answer']][])('%s is not waited for', async (_, answer) => {
    server.answer = answer;
    await expect(find(make({ timeoutMs: 50 }), 'k-1')).rejects.toThrow(unavailable(1_000));
    expect(JSON.stringify(logged.mock.calls)).toContain('it takes longer than 50 ms');
  });
});

describe('an endpoint that is down', () => {
  it('is tried ever less often, and found again', async () => {
    server.answer = KeySetServer.status(503);
    const keys = make();
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 9; attempt++) {
      const failure: unknown = await find(keys, 'k-1').catch((thrown: unknown) => thrown);
      const { retryAfterMs = 0 } = failure as { retryAfterMs?: number };
      waits.push(retryAfterMs);
      now += retryAfterMs - 1;
      await find(keys, 'k-1').catch(() => undefined);
      expect(server.requests).toBe(attempt);
      now += 1;
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    server.answer = KeySetServer.keys(FIRST);
    await find(keys, 'k-1');
  });

  it('is told from one that refuses', async () => {
    const { url } = server;
    await server.close();
    await expect(find(make({ url }), 'k-1')).rejects.toThrow(unavailable(1_000));
    expect(JSON.stringify(logged.mock.calls)).toContain('ECONNREFUSED');
    server = await KeySetServer.start();
  });
});
