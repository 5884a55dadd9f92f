import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import zlib from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { FileWatcher } from '../../src/config/file-watcher.js';
import { loadContracts } from '../../src/protocol/grpc/contracts.js';
import { serve, type TestServer } from '../../src/testing/index.js';
import { captureLog } from '../support/captured-log.js';
import { KeySetServer } from '../support/key-set-server.js';
import { speak } from '../support/raw-http.js';
import { callRaw } from '../support/raw-rpc.js';
import { forgedToken, HOUR, issuer, nowSeconds, SECRET, secretToken, tokenOf } from '../support/tokens.js';
import { callerOver, metadataOver, whoami } from '../support/whoami.js';
import { type Answer, type Wire, WIRES } from '../support/wires.js';

captureLog();

const KEY = 'a-key-of-the-operators-0001';
const KEYS = { API_KEYS: `ops:${KEY}` };
const UNLIMITED = { AUTH_FAILURES_PER_MINUTE: '0' };

const folder = mkdtempSync(join(tmpdir(), 'attacks-'));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const start = (environment: Readonly<Record<string, string>>): Promise<TestServer> =>
  serve(whoami, { environment: { ...UNLIMITED, ...environment } });

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

const UNAUTHENTICATED = { grpc: 'UNAUTHENTICATED', rest: 401 } as const satisfies Record<Wire, Answer['status']>;
const OK = { grpc: 'OK', rest: 200 } as const satisfies Record<Wire, Answer['status']>;
const UNAVAILABLE = { grpc: 'UNAVAILABLE', rest: 503 } as const satisfies Record<Wire, Answer['status']>;

/** Presents a token, and gives the reason of its refusal. */
async function refusal(server: TestServer, wire: Wire, token: string): Promise<string> {
  const { status, message } = await metadataOver[wire](server, bearer(token));
  expect(status).toBe(UNAUTHENTICATED[wire]);
  return message.replace(/^Invalid token: /, '');
}

describe('A10 without credentials', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await start(KEYS);
  });
  afterAll(() => server.close());

  const PUBLIC_RPCS = [
    '/grpc.health.v1.Health/Check',
    '/grpc.health.v1.Health/Watch',
    '/inference.GRPCInferenceService/ServerLive',
    '/inference.GRPCInferenceService/ServerReady',
    '/inference.GrpcInferenceService/ServerLive',
    '/inference.GrpcInferenceService/ServerReady',
  ];
  const PUBLIC_ROUTES = ['GET /v2/health/live', 'GET /v2/health/ready'];

  /** How a call ends that sends one empty message; for a stream that does not end, that it was let in. */
  const endOf = async (path: string, headers = {}): Promise<string> =>
    path.endsWith('/Watch')
      ? server.grpc.call('Check', {}, { service: 'grpc.health.v1.Health', metadata: headers }).then(
          () => 'OK',
          () => 'REFUSED',
        )
      : (await callRaw(server, path, [Buffer.alloc(0)], headers)).status;

  it('every rpc that is registered is closed, but for live and ready', async () => {
    const open: string[] = [];
    for (const path of server.rpcs) {
      const status = await endOf(path);
      if (status === 'OK') open.push(path);
      else expect([path, status]).toEqual([path, 'UNAUTHENTICATED']);
    }
    expect(server.rpcs.length).toBeGreaterThan(20);
    expect(open.sort()).toEqual(PUBLIC_RPCS.filter((path) => server.rpcs.includes(path)));
    expect(open).toContain('/grpc.health.v1.Health/Check');
  });

  it('every rpc is open with them: what closed it was their lack', async () => {
    for (const path of server.rpcs)
      expect([path, await endOf(path, { 'x-api-key': KEY })]).not.toEqual([path, 'UNAUTHENTICATED']);
  });

  it('no rpc of the contracts that has no handler answers, nor any path that looks like one', async () => {
    const contracts = Object.entries(loadContracts()).flatMap(([service, methods]) =>
      Object.keys(methods).map((method) => `/${service}/${method}`),
    );
    const paths = [
      ...contracts.filter((path) => !server.rpcs.includes(path)),
      ...PUBLIC_RPCS.filter((path) => !path.endsWith('/Watch')).flatMap((path) => [
        `${path}/`,
        `/${path}`,
        path.toUpperCase(),
        path.toLowerCase(),
        path.replace('Server', '%53erver'),
        `${path}?x=1`,
      ]),
      '/inference.GRPCInferenceService/../inference.GRPCInferenceService/ServerLive',
      '/inference.GRPCInferenceService/ServerLive/../ModelInfer',
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      '/',
      '//',
    ].filter((path) => !server.rpcs.includes(path));
    for (const path of paths) {
      const { status, replies } = await callRaw(server, path, [Buffer.alloc(0)]);
      expect([path, replies.length]).toEqual([path, 0]);
      expect(['UNAUTHENTICATED', 'UNIMPLEMENTED']).toContain(status);
    }
  });

  const urlOf = (route: string): string =>
    route
      .replace(/:model(?:\(\.\+\):)?/, 'whoami')
      .replace(':version', '1')
      .replaceAll(/:\w+/g, 'x')
      .replace('*', 'x');

  const ask = (method: string, target: string, headers: readonly string[] = []) =>
    speak(
      server,
      [
        `${method} ${target} HTTP/1.1`,
        'Host: localhost',
        'Connection: close',
        ...(method === 'POST' ? ['Content-Length: 0'] : []),
        ...headers,
        '',
        '',
      ].join('\r\n'),
    );

  it('every route that is registered is closed, but for live and ready', async () => {
    const open: string[] = [];
    for (const { method, url } of server.routes) {
      const { statuses } = await ask(method, urlOf(url));
      if (statuses[0] === 200) open.push(`${method} ${url}`);
      else expect([method, url, statuses]).toEqual([method, url, [401]]);
    }
    expect(server.routes.length).toBeGreaterThan(10);
    expect(open.sort()).toEqual(PUBLIC_ROUTES);
  });

  it('every route is open with them', async () => {
    for (const { method, url } of server.routes) {
      const { statuses } = await ask(method, urlOf(url), [`X-API-Key: ${KEY}`]);
      expect([method, url, statuses[0]]).not.toEqual([method, url, 401]);
    }
  });

  /** Other ways to write a path that a router, or something before it, may take for the same. */
  const SPELLINGS: readonly ((url: string) => string)[] = [
    (url) => `${url}/`,
    (url) => `/${url}`,
    (url) => url.replace('/v2', '/v2/'),
    (url) => url.toUpperCase(),
    (url) => url.replace('v2', '%76%32'),
    (url) => url.replace('/v2/', '/v2%2f'),
    (url) => `/v2/health/live/..${url.slice('/v2'.length)}`,
    (url) => `/v2/health/live/%2e%2e/%2e%2e${url}`,
    (url) => `/v2/health/live;${url}`,
    (url) => `/v2/health/live%00${url}`,
    (url) => `${url}?path=/v2/health/live`,
    (url) => `${url}#/v2/health/live`,
    (url) => `${url}%20`,
    (url) => `http://localhost${url}`,
    (url) => `http://localhost/v2/health/live@${url}`,
    (url) => url.replace('/v2', '/v2/models/whoami/versions/1'),
  ];

  it('no other spelling of a path, and no other method, opens a route', async () => {
    const closed = new Set(server.routes.map(({ url }) => url).filter((url) => !PUBLIC_ROUTES.includes(`GET ${url}`)));
    for (const route of closed) {
      for (const spell of SPELLINGS) {
        const target = spell(urlOf(route));
        for (const method of ['GET', 'POST']) {
          const { statuses, text } = await ask(method, target);
          expect([method, target, [400, 401, 404, 405].includes(statuses[0] ?? 0), text]).toEqual([
            method,
            target,
            true,
            expect.not.stringMatching(/whoami|"live"|nest-inference-server/),
          ]);
        }
      }
      for (const method of ['HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND', 'get']) {
        const { statuses } = await ask(method, urlOf(route));
        expect([method, route, [400, 401, 404, 405].includes(statuses[0] ?? 0)]).toEqual([method, route, true]);
      }
    }
  });

  it('no header makes another method or path of a call', async () => {
    for (const header of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', '_method'])
      for (const [method, override] of [
        ['POST', 'GET'],
        ['GET', 'POST'],
      ] as const) {
        const { statuses } = await ask(method, '/v2/models/whoami/infer', [`${header}: ${override}`]);
        expect([401, 405]).toContain(statuses[0]);
      }
    for (const header of [
      'X-Original-URL',
      'X-Rewrite-URL',
      'X-Forwarded-Path',
      'X-Forwarded-Prefix',
      'X-Original-Method',
    ])
      expect((await ask('GET', '/v2', [`${header}: /v2/health/live`])).statuses).toEqual([401]);
  });
});

describe('A12 headers about where a call comes from', () => {
  const SPOOFS = ['127.0.0.1', '::1', 'localhost', '10.0.0.1, 127.0.0.1'].flatMap((address) => [
    { 'x-forwarded-for': address },
    { 'x-real-ip': address },
    { 'x-client-ip': address },
    { 'true-client-ip': address },
    { forwarded: `for=${address.split(',')[0]};host=localhost;proto=https` },
    { 'x-forwarded-host': address, 'x-forwarded-proto': 'https' },
  ]);

  it.each(WIRES)('open nothing, over %s', async (wire) => {
    await using server = await start(KEYS);
    for (const headers of SPOOFS)
      expect((await metadataOver[wire](server, headers)).status).toBe(UNAUTHENTICATED[wire]);
  });

  it.each(WIRES)('give no address of one’s own to fail from, over %s', async (wire) => {
    await using server = await start({ ...KEYS, AUTH_FAILURES_PER_MINUTE: '5' });
    const statuses: unknown[] = [];
    for (let index = 0; index < 8; index++) {
      const headers = {
        'x-api-key': 'wrong',
        'x-forwarded-for': `198.51.100.${index}`,
        'x-real-ip': `198.51.100.${index}`,
      };
      statuses.push((await metadataOver[wire](server, headers)).status);
    }
    const exhausted = wire === 'grpc' ? 'RESOURCE_EXHAUSTED' : 429;
    expect(statuses).toEqual([
      ...Array.from({ length: 5 }, () => UNAUTHENTICATED[wire]),
      exhausted,
      exhausted,
      exhausted,
    ]);
  });

  it('and a Host or a whole URL of another name open nothing', async () => {
    await using server = await start(KEYS);
    for (const [target, host] of [
      ['/v2', 'localhost'],
      ['/v2', '127.0.0.1'],
      ['/v2', 'admin.internal'],
      ['http://localhost/v2', 'localhost'],
      ['http://localhost/v2/health/live/../..', 'localhost'],
      ['https://admin.internal:443/v2', 'admin.internal'],
    ]) {
      const { statuses } = await speak(server, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      expect([target, [400, 401, 404].includes(statuses[0] ?? 0)]).toEqual([target, true]);
    }
  });
});

describe.each(WIRES)('A13 a token without a signature, over %s', (wire) => {
  it('is refused, however its algorithm is spelled', async () => {
    await using server = await start({ AUTH_SECRET: SECRET });
    for (const alg of ['none', 'None', 'NONE', 'nOnE', 'none ', ' none', '']) {
      for (const signature of ['', 'e30']) {
        const reason = await refusal(server, wire, forgedToken({ alg, typ: 'JWT' }, { sub: 'admin' }, signature));
        expect(reason).toMatch(/^(?:its algorithm is not accepted|malformed)$/);
      }
    }
    for (const header of [{}, { alg: null }, { alg: ['none'] }, { alg: { HS256: true } }])
      expect(await refusal(server, wire, forgedToken(header))).toBe('malformed');
    const token = await secretToken();
    const signed = token.slice(0, token.lastIndexOf('.') + 1);
    expect(await refusal(server, wire, signed)).toBe('wrong signature');
    expect(await refusal(server, wire, signed.slice(0, -1))).toBe('malformed');
    expect((await metadataOver[wire](server, bearer(token))).status).toBe(OK[wire]);
  });
});

describe('A14 a public key taken for a secret', () => {
  const own = issuer('RS256');

  it.each(WIRES)('signs nothing, over %s', async (wire) => {
    await using server = await start({ JWT_PUBLIC_KEY_FILE: write('a14.pem', own.pem) });
    const pems = [own.pem, own.pem.trim(), `\n${own.pem}`, `  ${own.pem}`, own.pem.replaceAll('\n', '\r\n')];
    for (const pem of pems) {
      for (const alg of ['HS256', 'HS384', 'HS512'])
        expect(await refusal(server, wire, await secretToken({ header: { alg } }, pem))).toBe(
          'its algorithm is not accepted',
        );
    }
    expect((await metadataOver[wire](server, bearer(await tokenOf(own)))).status).toBe(OK[wire]);
  });

  it.each([own.pem, ` ${own.pem}`, `\n\n${own.pem}`, `\t\n${own.pem}`, `\uFEFF${own.pem}`, `key:\n${own.pem}`])(
    'is no secret to start with: %j',
    async (pem) => {
      await expect(start({ AUTH_SECRET: pem })).rejects.toThrow('this is a key that others may know, not a secret');
      await expect(start({ AUTH_SECRET_FILE: write('a14.secret', pem) })).rejects.toThrow('not a secret');
    },
  );

  it('goes with no algorithm of secrets, and a secret with none of public keys', async () => {
    const JWT_PUBLIC_KEY_FILE = write('a14.pem', own.pem);
    await expect(start({ JWT_PUBLIC_KEY_FILE, AUTH_ALGORITHM: 'RS256,HS256' })).rejects.toThrow('AUTH_ALGORITHM');
    await expect(start({ AUTH_SECRET: SECRET, AUTH_ALGORITHM: 'RS256' })).rejects.toThrow('AUTH_ALGORITHM');
    await expect(start({ AUTH_SECRET: SECRET, AUTH_ALGORITHM: 'none' })).rejects.toThrow('AUTH_ALGORITHM');
    await expect(start({ AUTH_SECRET: SECRET, JWT_PUBLIC_KEY_FILE })).rejects.toThrow('keys of one source');
  });
});

describe.each(WIRES)('A15 a token that says where its key is, over %s', (wire) => {
  it('is checked with the keys that are configured, and no other', async () => {
    const [own, rogue] = [issuer('ES256', 'k-1'), issuer('ES256', 'k-rogue')];
    await using keys = await KeySetServer.start(KeySetServer.keys(await own.jwk()));
    await using attacker = await KeySetServer.start(KeySetServer.keys(await rogue.jwk()));
    await using server = await start({ JWT_JWKS_URL: keys.url });
    const there = { jku: attacker.url, x5u: attacker.url, x5c: [attacker.url], jwk: await rogue.jwk() };
    expect(await refusal(server, wire, await tokenOf(rogue, { header: there }))).toBe('signed with an unknown key');
    expect(await refusal(server, wire, await tokenOf(rogue, { header: { ...there, kid: 'k-1' } }))).toBe(
      'wrong signature',
    );
    const fetched = keys.requests;
    for (const kid of [
      '../../../../dev/null',
      '/etc/passwd',
      "k-1' UNION SELECT 'secret' --",
      attacker.url,
      '__proto__',
      'constructor',
      'toString',
      'k-1\0',
      'k'.repeat(5_000),
      '',
    ])
      expect(await refusal(server, wire, await tokenOf(rogue, { header: { kid } }))).toBe('signed with an unknown key');
    for (const kid of [null, 1, {}, ['k-1']])
      expect(await refusal(server, wire, forgedToken({ alg: 'ES256', kid }, {}, 'e30'))).toMatch(
        /unknown key|malformed/,
      );
    expect(attacker.requests).toBe(0);
    expect(keys.requests).toBe(fetched);
    expect((await metadataOver[wire](server, bearer(await tokenOf(own)))).status).toBe(OK[wire]);
  });
});

describe.each(WIRES)('A16 a token with wrong claims, over %s', (wire) => {
  let server: TestServer;
  const right = { iss: 'https://id.example.org', aud: 'inference' };
  beforeAll(async () => {
    server = await start({ AUTH_SECRET: SECRET, JWT_ISSUER: right.iss, JWT_AUDIENCE: right.aud });
  });
  afterAll(() => server.close());

  it.each([
    [{ exp: nowSeconds() - HOUR }, 'expired'],
    [{ exp: 0 }, 'expired'],
    [{ exp: -1 }, 'expired'],
    [{ nbf: nowSeconds() + HOUR }, 'not yet valid'],
    [{ iss: 'https://id.example.org.attacker.example' }, 'wrong issuer'],
    [{ iss: undefined }, 'without an issuer'],
    [{ aud: 'inference2' }, 'wrong audience'],
    [{ aud: ['other'] }, 'wrong audience'],
    [{ aud: [] }, 'wrong audience'],
    [{ aud: undefined }, 'without an audience'],
    [{ exp: undefined }, 'without an expiry'],
    [{ exp: null }, 'malformed'],
    [{ exp: String(nowSeconds() + HOUR) }, 'malformed'],
    [{ exp: '9'.repeat(400) }, 'malformed'],
    [{ sub: undefined }, 'without a subject'],
    [{ sub: '' }, 'without a subject'],
    [{ sub: 7 }, 'without a subject'],
  ])('%j: %s', async (claims, reason) => {
    expect(await refusal(server, wire, await secretToken({ claims: { ...right, ...claims } as never }))).toBe(reason);
  });

  it.each([
    [{}],
    [{ aud: ['other', 'inference'] }],
    [{ exp: Number.MAX_SAFE_INTEGER }],
    [{ exp: 1e308 }],
    [{ exp: nowSeconds() + 60.5, nbf: nowSeconds() - 0.5 }],
  ])('takes %j', async (claims) => {
    const { status } = await metadataOver[wire](server, bearer(await secretToken({ claims: { ...right, ...claims } })));
    expect(status).toBe(OK[wire]);
  });
});

describe.each(WIRES)('A17 a token that was remembered, over %s', (wire) => {
  it('vouches for itself alone, and not beyond its key', async () => {
    const [old, next] = [issuer('ES256'), issuer('ES256')];
    const path = write(`a17-${wire}.pem`, old.pem);
    await using server = await start({ JWT_PUBLIC_KEY_FILE: path });
    const token = await tokenOf(old);
    const present = async (text: string) => (await metadataOver[wire](server, bearer(text))).status;
    expect(await present(token)).toBe(OK[wire]);
    expect(await present(token)).toBe(OK[wire]);
    const start_ = token.lastIndexOf('.') + 1;
    const other = token.slice(0, start_) + (token[start_] === 'A' ? 'B' : 'A') + token.slice(start_ + 1);
    expect(await refusal(server, wire, other)).toBe('wrong signature');
    expect(await refusal(server, wire, await tokenOf(next))).toBe('wrong signature');
    write(`a17-${wire}.pem`, next.pem);
    await server.get(FileWatcher).checkNow();
    expect(await refusal(server, wire, token)).toBe('wrong signature');
    expect(await present(await tokenOf(next))).toBe(OK[wire]);
  });
});

describe('A18 a key set endpoint', async () => {
  const own = issuer('ES256');
  const keySet = JSON.stringify({ keys: [await own.jwk()] });
  // What is out of bounds has the right keys: a server that went there would take the token.
  const privateNetwork = await KeySetServer.start(KeySetServer.text(keySet));
  afterAll(() => privateNetwork.close());
  const hostile = {
    'that is down': KeySetServer.status(503),
    'that is slow': () => undefined,
    'that answers 10 MB': KeySetServer.text(keySet + ' '.repeat(10_000_000)),
    'that redirects to a private address': KeySetServer.status(307, { location: privateNetwork.url }),
    'that lies': KeySetServer.text('{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'),
  } as const satisfies Record<string, KeySetServer['answer']>;

  describe.each(Object.entries(hostile))('%s', (_, answer) => {
    it.each(WIRES)('leaves tokens for later, and other credentials alone, over %s', async (wire) => {
      await using keys = await KeySetServer.start(answer);
      await using server = await start({ ...KEYS, JWT_JWKS_URL: keys.url, JWT_JWKS_TIMEOUT_MS: '500' });
      const refused = await metadataOver[wire](server, bearer(await tokenOf(own)));
      expect(refused).toMatchObject({
        status: UNAVAILABLE[wire],
        message: 'The keys that tokens are checked with cannot be fetched: try again later',
      });
      for (let index = 0; index < 20; index++) await metadataOver[wire](server, bearer(await tokenOf(own)));
      expect(keys.requests).toBe(1);
      expect(privateNetwork.requests).toBe(0);
      expect((await metadataOver[wire](server, { 'x-api-key': KEY })).status).toBe(OK[wire]);
    });
  });

  it.each(WIRES)('that rotates with every answer is not hammered, over %s', async (wire) => {
    let kid = 0;
    const jwk = await own.jwk();
    await using keys = await KeySetServer.start((request, response) =>
      KeySetServer.keys({ ...jwk, kid: `k-${++kid}` })(request, response),
    );
    await using server = await start({ JWT_JWKS_URL: keys.url });
    for (let index = 2; index < 50; index++)
      expect(await refusal(server, wire, await tokenOf(own, { header: { kid: `k-${index}` } }))).toBe(
        'signed with an unknown key',
      );
    expect((await metadataOver[wire](server, bearer(await tokenOf(own)))).status).toBe(OK[wire]);
    expect(keys.requests).toBe(1);
  });
});

describe.each(WIRES)('A19 a name that the caller writes down, over %s', (wire) => {
  const NAMES = {
    'x-user': 'admin',
    'x-user-id': 'admin',
    'x-tenant-id': 'admin',
    'x-remote-user': 'admin',
    'x-forwarded-user': 'admin',
    'x-auth-request-user': 'admin',
    'x-roles': 'admin',
    'x-client-cert': 'CN=admin',
    'x-forwarded-client-cert': 'Subject="CN=admin"',
    'x-ssl-client-s-dn': 'CN=admin',
  };

  it('is nobody’s', async () => {
    await using server = await start({ ...KEYS, AUTH_SECRET: SECRET });
    expect((await metadataOver[wire](server, NAMES)).status).toBe(UNAUTHENTICATED[wire]);
    expect(await callerOver[wire](server, { ...NAMES, 'x-api-key': KEY })).toEqual(['ops']);
    const token = await secretToken({ claims: { name: 'admin', user: 'admin', tenant: 'admin', roles: ['tester'] } });
    expect(await callerOver[wire](server, { ...NAMES, ...bearer(token) })).toEqual(['alice tester']);
  });

  it('is none in the parameters either', async () => {
    await using server = await start(KEYS);
    const parameters = { user: 'admin', principal: 'admin', tenant: 'admin' };
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [1] }];
    const headers = { 'x-api-key': KEY };
    if (wire === 'rest') {
      const body = { parameters, inputs: inputs.map((input) => ({ ...input, data: [1] })) };
      const { json } = await server.rest.post('/v2/models/whoami/infer', body, headers);
      expect(json).toMatchObject({ outputs: [{ data: ['ops'] }] });
    } else {
      const message = {
        model_name: 'whoami',
        parameters: Object.fromEntries(
          Object.entries(parameters).map(([key, value]) => [key, { string_param: value }]),
        ),
        inputs: inputs.map((input) => ({ ...input, contents: { fp32_contents: [1] } })),
      };
      const { raw_output_contents } = await server.grpc.call<{ raw_output_contents: Buffer[] }>('ModelInfer', message, {
        metadata: headers,
      });
      expect(raw_output_contents[0]?.toString('utf8', 4)).toBe('ops');
    }
  });
});

describe.each(WIRES)('A55 guessing keys, over %s', (wire) => {
  const guess = (server: TestServer, key: string) => metadataOver[wire](server, { 'x-api-key': key });

  it('is told nothing by how near a guess is', async () => {
    await using server = await start(KEYS);
    for (const key of ['x', KEY.slice(0, -1), `${KEY}x`, KEY.toUpperCase(), `ops:${KEY}`, 'ops', '*', `${KEY},${KEY}`])
      expect(await guess(server, key)).toMatchObject({
        status: UNAUTHENTICATED[wire],
        message: 'Invalid credentials: the API key is not known',
      });
  });

  it('ends after some failures, for as long as it is told, while those who know a key come in', async () => {
    await using server = await start({ ...KEYS, AUTH_SECRET: SECRET, AUTH_FAILURES_PER_MINUTE: '10' });
    const remembered = bearer(await secretToken());
    expect((await metadataOver[wire](server, remembered)).status).toBe(OK[wire]);
    for (let index = 0; index < 10; index++)
      expect((await guess(server, `guess-${index}`)).status).toBe(UNAUTHENTICATED[wire]);
    const exhausted = { status: wire === 'grpc' ? 'RESOURCE_EXHAUSTED' : 429 };
    expect(await guess(server, 'one-more')).toMatchObject(exhausted);
    // A token that is valid, but that was not seen before, would have to be verified.
    const fresh = bearer(await secretToken({ claims: { sub: 'bob' } }));
    expect(await metadataOver[wire](server, fresh)).toMatchObject(exhausted);
    expect((await guess(server, KEY)).status).toBe(OK[wire]);
    expect((await metadataOver[wire](server, remembered)).status).toBe(OK[wire]);
    expect((await metadataOver[wire](server, {})).status).toBe(UNAUTHENTICATED[wire]);
    if (wire === 'rest') expect((await server.rest.get('/v2', fresh)).headers.get('retry-after')).toMatch(/^[1-6]$/);
    else {
      const { trailers } = await callRaw(
        server,
        '/inference.GRPCInferenceService/ServerMetadata',
        [Buffer.alloc(0)],
        fresh,
      );
      expect(Number(trailers.get('grpc-retry-pushback-ms')[0])).toBeGreaterThan(0);
    }
    expect((await server.rest.get('/v2/health/live', fresh)).status).toBe(200);
  });
});

describe('before who calls is known', () => {
  afterEach(() => vi.restoreAllMocks());

  const BOMB = zlib.gzipSync(Buffer.alloc(10_000_000));

  /** Sends a gRPC call, or the start of one that never ends; gives the status. */
  async function openRpc(
    server: TestServer,
    headers: Readonly<Record<string, string>>,
    bytes: Buffer,
    end = false,
  ): Promise<number> {
    const session = connectHttp2(`http://${server.addresses.grpc}`);
    session.on('error', () => undefined);
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: '/inference.GRPCInferenceService/ModelInfer',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    stream.on('error', () => undefined);
    if (end) stream.end(bytes);
    else stream.write(bytes);
    try {
      return await new Promise((resolve) => {
        const read = (received: Readonly<Record<string, unknown>>): void => {
          if (received['grpc-status'] !== undefined) resolve(Number(received['grpc-status']));
        };
        stream.on('response', read).on('trailers', read);
      });
    } finally {
      session.destroy();
    }
  }

  const framed = (message: Buffer, compressed: 0 | 1, length = message.length): Buffer => {
    const head = Buffer.alloc(5);
    head.writeUInt8(compressed);
    head.writeUInt32BE(length, 1);
    return Buffer.concat([head, message]);
  };

  it('no gRPC message is waited for', async () => {
    await using server = await start(KEYS);
    expect(await openRpc(server, {}, framed(Buffer.alloc(100), 0, 10_000_000))).toBe(16);
    expect(await openRpc(server, { 'x-api-key': 'wrong' }, Buffer.alloc(0))).toBe(16);
  });

  it('no gRPC message is inflated', async () => {
    await using server = await start(KEYS);
    const inflate = [vi.spyOn(zlib, 'createGunzip'), vi.spyOn(zlib, 'gunzip'), vi.spyOn(zlib, 'createInflate')];
    const used = (): number => inflate.reduce((sum, { mock }) => sum + mock.calls.length, 0);
    const bomb = framed(BOMB, 1);
    expect(await openRpc(server, { 'grpc-encoding': 'gzip' }, bomb)).toBe(16);
    expect(used()).toBe(0);
    // With a key the same message is inflated: the spies see it.
    await openRpc(server, { 'grpc-encoding': 'gzip', 'x-api-key': KEY }, bomb, true);
    expect(used()).toBeGreaterThan(0);
  });

  it.each(['Content-Length: 1000000', 'Transfer-Encoding: chunked'])(
    'no REST body is waited for: %s',
    async (length) => {
      await using server = await start(KEYS);
      const { hostname, port } = new URL(server.addresses.http);
      const socket = connect(Number(port), hostname);
      socket.write(`POST /v2/models/whoami/infer HTTP/1.1\r\nHost: localhost\r\n${length}\r\n\r\n`);
      const answer = await new Promise<string>((resolve) => {
        socket.once('data', (bytes: Buffer) => resolve(bytes.toString('utf8')));
      });
      socket.destroy();
      expect(answer).toMatch(/^HTTP\/1\.1 401 /);
      expect(answer.toLowerCase()).toContain('www-authenticate: bearer');
    },
  );
});
