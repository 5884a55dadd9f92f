import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type SecureVersion } from 'node:tls';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FileWatcher } from '../../src/config/file-watcher.js';
import { GrpcClient, serve, type TestServer } from '../../src/testing/index.js';
import { captureLog } from '../support/captured-log.js';
import { whoami } from '../support/whoami.js';
import { answerOfGrpc, type Wire, WIRES } from '../support/wires.js';

captureLog();

const FIXTURES = join(import.meta.dirname, '../fixtures/tls');
const fixture = (name: string): string => join(FIXTURES, name);
const read = (name: string): Buffer => readFileSync(fixture(name));

const CA = read('ca.crt');
const KEY = 'a-key-of-the-operators-0001';

interface Identity {
  readonly cert: Buffer;
  readonly key: Buffer;
}

const identity = (name: string): Identity => ({ cert: read(`${name}.crt`), key: read(`${name}.key`) });
const CLIENT = identity('client');
const ROGUE = identity('rogue-client');

const TLS = { TLS_CERT: fixture('server.crt'), TLS_KEY: fixture('server.key') };
const MUTUAL = { ...TLS, TLS_CLIENT_CA: fixture('ca.crt') };

const start = (environment: Readonly<Record<string, string>>): Promise<TestServer> => serve(whoami, { environment });

const channel = (who?: Identity): ChannelCredentials =>
  who === undefined ? credentials.createSsl(CA) : credentials.createSsl(CA, who.key, who.cert);

interface Call {
  readonly who?: Identity;
  readonly headers?: Readonly<Record<string, string>>;
}

/** No connection came about: both clients are told to say so in this word. */
const NO_CONNECTION = 'UNAVAILABLE';

/** Asks for the metadata on a connection of its own: the status, or the reason why there is no connection. */
const ask: Readonly<Record<Wire, (server: TestServer, call?: Call) => Promise<string | number>>> = {
  async grpc({ addresses }, { who, headers } = {}) {
    const client = new GrpcClient(addresses.grpc, headers, channel(who));
    try {
      return (await answerOfGrpc(client.call('ServerMetadata', {}, { deadlineMs: 10_000 }))).status;
    } finally {
      client.close();
    }
  },
  rest: ({ addresses }, { who, headers } = {}) =>
    new Promise((resolve) => {
      const options = { ca: CA, ...who, ...(headers && { headers }), agent: false } as const;
      get(`${addresses.http}/v2`, options, (reply) => {
        reply.resume();
        resolve(reply.statusCode ?? 0);
      }).on('error', () => resolve(NO_CONNECTION));
    }),
};

const OK = { grpc: 'OK', rest: 200 } as const satisfies Record<Wire, unknown>;
const UNAUTHENTICATED = { grpc: 'UNAUTHENTICATED', rest: 401 } as const satisfies Record<Wire, unknown>;
function endpointOf({ addresses }: TestServer, wire: Wire): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(wire === 'rest' ? addresses.http : `https://${addresses.grpc}`);
  return { host: hostname, port: Number(port) };
}

interface Handshake {
  readonly protocol: string | null;
  /** The common name of the server's certificate. */
  readonly server: string;
}

/** Shakes hands, and no more. Rejects where the server does not want to. */
const shake = (server: TestServer, wire: Wire, options: ConnectionOptions = {}): Promise<Handshake> =>
  new Promise((resolve, reject) => {
    const alpn = { ALPNProtocols: [wire === 'grpc' ? 'h2' : 'http/1.1'] };
    const socket = connect({ ...endpointOf(server, wire), ca: CA, ...alpn, ...options }, () => {
      const { CN } = socket.getPeerCertificate().subject;
      resolve({ protocol: socket.getProtocol(), server: String(CN) });
      socket.destroy();
    });
    socket.on('error', reject);
  });

const only = (version: SecureVersion): ConnectionOptions => ({
  minVersion: version,
  maxVersion: version,
  // OpenSSL itself would not offer the old versions otherwise.
  ciphers: 'DEFAULT@SECLEVEL=0',
});

describe.each(WIRES)('TLS, over %s', (wire) => {
  let server: TestServer;
  beforeAll(async () => {
    server = await start({ ...TLS, API_KEYS: `ops:${KEY}` });
  });
  afterAll(() => server.close());

  it('serves those who trust the authority, and still wants to know who they are', async () => {
    expect(await ask[wire](server, { headers: { 'x-api-key': KEY } })).toBe(OK[wire]);
    expect(await ask[wire](server)).toBe(UNAUTHENTICATED[wire]);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('speaks %s', async (version) => {
    expect(await shake(server, wire, only(version))).toEqual({ protocol: version, server: 'server' });
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('does not speak %s', async (version) => {
    await expect(shake(server, wire, only(version))).rejects.toThrow(/protocol version|unsupported protocol/i);
  });

  it('is not taken for another server', async () => {
    const other = { servername: 'id.example.org' };
    await expect(shake(server, wire, other)).rejects.toThrow(/does not match certificate/);
  });

  it('answers nobody in the clear', async () => {
    const { host, port } = endpointOf(server, wire);
    if (wire === 'rest') await expect(fetch(`http://${host}:${port}/v2`)).rejects.toThrow('fetch failed');
    else {
      const client = new GrpcClient(`${host}:${port}`);
      expect((await answerOfGrpc(client.call('ServerLive', {}, { deadlineMs: 10_000 }))).status).toBe(NO_CONNECTION);
      client.close();
    }
  });

  it('makes no name of a certificate that it did not ask for', async () => {
    expect(await ask[wire](server, { who: CLIENT })).toBe(UNAUTHENTICATED[wire]);
  });
});

/** Who the model sees; on REST through a client that can show a certificate. */
const callerOf: Readonly<Record<Wire, (server: TestServer, who: Identity) => Promise<unknown>>> = {
  async grpc({ addresses }, who) {
    const client = new GrpcClient(addresses.grpc, {}, channel(who));
    try {
      return (await client.infer('whoami', { x: [1] }))['caller'];
    } finally {
      client.close();
    }
  },
  async rest({ addresses }, who) {
    const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1], data: [1] }] });
    const url = `${addresses.http}/v2/models/whoami/infer`;
    return new Promise((resolve, reject) => {
      const sent = request(url, { ca: CA, ...who, method: 'POST', agent: false }, (reply) => {
        const chunks: Buffer[] = [];
        reply.on('data', (chunk: Buffer) => chunks.push(chunk));
        reply.on('end', () => {
          const { outputs } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { outputs: { data: unknown }[] };
          resolve(outputs[0]?.data);
        });
      });
      sent.on('error', reject).end(body);
    });
  },
};

describe.each(WIRES)('mutual TLS, over %s', (wire) => {
  it('required: lets in who has a certificate of the authority, by its common name, and nobody else', async () => {
    await using server = await start(MUTUAL);
    expect(await callerOf[wire](server, CLIENT)).toEqual(['ci runner']);
    expect(await ask[wire](server)).toBe(NO_CONNECTION);
    expect(await ask[wire](server, { who: ROGUE })).toBe(NO_CONNECTION);
  });

  it('required: has no way around it by other credentials', async () => {
    await using server = await start({ ...MUTUAL, API_KEYS: `ops:${KEY}` });
    const headers = { 'x-api-key': KEY };
    expect(await ask[wire](server, { headers })).toBe(NO_CONNECTION);
    expect(await ask[wire](server, { headers, who: CLIENT })).toBe(OK[wire]);
  });

  it('optional: takes a certificate or another way to say who calls, and never one of strangers', async () => {
    await using server = await start({ ...MUTUAL, TLS_CLIENT_AUTH: 'optional', API_KEYS: `ops:${KEY}` });
    expect(await callerOf[wire](server, CLIENT)).toEqual(['ci runner']);
    expect(await ask[wire](server)).toBe(UNAUTHENTICATED[wire]);
    expect(await ask[wire](server, { headers: { 'x-api-key': KEY } })).toBe(OK[wire]);
    expect(await ask[wire](server, { who: ROGUE })).toBe(UNAUTHENTICATED[wire]);
    expect(await ask[wire](server, { headers: { 'x-api-key': 'wrong' }, who: ROGUE })).toBe(UNAUTHENTICATED[wire]);
  });
});

describe('certificates on disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tls-'));
  const [cert, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  const install = (name: string): void => {
    copyFileSync(fixture(`${name}.crt`), cert);
    copyFileSync(fixture(`${name}.key`), key);
  };
  let server: TestServer;

  beforeAll(async () => {
    install('server');
    server = await start({ TLS_CERT: cert, TLS_KEY: key });
  });
  afterEach(async () => {
    install('server');
    await server.get(FileWatcher).checkNow();
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  const shown = (): Promise<string[]> => Promise.all(WIRES.map(async (wire) => (await shake(server, wire)).server));

  it('take the place of the old ones without a restart, for connections from then on', async () => {
    expect(await shown()).toEqual(['server', 'server']);
    const before = new GrpcClient(server.addresses.grpc, {}, channel());
    await before.call('ServerLive');
    install('server2');
    await server.get(FileWatcher).checkNow();
    expect(await shown()).toEqual(['server2', 'server2']);
    expect(await before.call('ServerLive')).toMatchObject({ live: true });
    before.close();
  });

  it.each([
    ['is not that of the certificate', () => copyFileSync(fixture('server2.key'), key)],
    ['is broken', () => writeFileSync(key, 'no key')],
    ['is empty', () => writeFileSync(key, '')],
    ['is gone', () => rmSync(key)],
  ])('stay as they were when a key %s', async (_, spoil) => {
    spoil();
    await server.get(FileWatcher).checkNow();
    expect(await shown()).toEqual(['server', 'server']);
    for (const wire of WIRES) expect(await ask[wire](server)).toBe(OK[wire]);
  });
});

it.each([
  [{ TLS_CERT: fixture('server.crt') }, 'TLS_CERT is set without TLS_KEY'],
  [{ TLS_CLIENT_CA: fixture('ca.crt') }, 'there is no TLS to check clients in'],
  [
    { TLS_CERT: fixture('server.crt'), TLS_KEY: fixture('server2.key') },
    'the private key is not that of the certificate',
  ],
  [{ TLS_CERT: fixture('nowhere.crt'), TLS_KEY: fixture('server.key') }, 'ENOENT'],
])('does not start with %j', async (environment, problem) => {
  await expect(start(environment as Record<string, string>)).rejects.toThrow(problem);
});
