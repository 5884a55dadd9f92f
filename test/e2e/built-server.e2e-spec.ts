import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'dist/main.js');

const children: ChildProcess[] = [];

beforeAll(() => {
  if (!existsSync(main)) throw new Error('dist/main.js is missing: run `npm run build`, or the tests by `npm test`');
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Running {
  readonly child: ChildProcess;
  /** All that was printed so far. */
  readonly output: () => string;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** Starts the built server with an environment of its own. */
function start(environment: Readonly<Record<string, string>>): Running {
  const { PATH = '' } = process.env;
  const env = { PATH, HTTP_PORT: '0', GRPC_PORT: '0', AUDIT_LOG: 'off', ...environment };
  const child = spawn(process.execPath, [main], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
  }
  const ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => code ?? signal ?? 'unknown');
  return { child, output: () => printed, ended };
}

/** Waits until the server has printed something that matches. */
async function printed({ child, output, ended }: Running, pattern: RegExp): Promise<RegExpExecArray> {
  let over = false;
  void ended.then(() => (over = true));
  for (;;) {
    const found = pattern.exec(output());
    if (found !== null) return found;
    if (over) throw new Error(`the server ended without printing ${pattern.source}:\n${output()}`);
    await Promise.race([once(child.stdout ?? child, 'data'), ended]);
  }
}

const ADDRESSES = /REST on (http:\S+), gRPC on (\S+?)(?=[\s"]|$)/m;

describe('the built server', () => {
  it('serves the samples to clients that know only its contracts, and ends in peace', async () => {
    const server = start({});
    const [, http = '', grpc = ''] = await printed(server, ADDRESSES);
    await printed(server, /try: curl/);
    expect(server.output()).toMatch(/model digits version 1: ready/);

    const definition = loadSync('inference.proto', { includeDirs: [join(root, 'proto')], keepCase: true });
    const { inference } = loadPackageDefinition(definition) as unknown as {
      inference: Record<'GRPCInferenceService', ServiceClientConstructor>;
    };
    const method = inference.GRPCInferenceService.service['ModelInfer'];
    if (method === undefined) throw new Error('the contract has no ModelInfer');
    const client = new Client(grpc, credentials.createInsecure());
    const request = {
      model_name: 'simple',
      inputs: ['INPUT0', 'INPUT1'].map((name) => ({
        name,
        datatype: 'INT32',
        shape: [1, 16],
        contents: { int_contents: Array.from({ length: 16 }, (_, index) => index) },
      })),
    };
    const reply = await new Promise<{ raw_output_contents: Buffer[] }>((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = method;
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, value) =>
        error === null ? resolve(value as { raw_output_contents: Buffer[] }) : reject(error),
      );
    });
    client.close();
    expect(reply.raw_output_contents[0]?.readInt32LE(15 * 4)).toBe(30);

    const live = await fetch(`${http}/v2/health/ready`);
    expect(await live.json()).toEqual({ ready: true });

    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
  });

  it('tells every problem of its configuration, and exits with 1', async () => {
    const server = start({ HTTP_PORT: 'abc', LOG_LEVEL: 'loud', MAX_MESSAGE_BYTES: '-1' });
    expect(await server.ended).toBe(1);
    for (const key of ['HTTP_PORT="abc"', 'LOG_LEVEL="loud"', 'MAX_MESSAGE_BYTES="-1"']) {
      expect(server.output().split(key)).toHaveLength(2);
    }
    expect(server.output()).not.toMatch(/\bat .*\.js:\d+/);
  });

  it('does not open itself to other machines without credentials', async () => {
    const server = start({ HTTP_HOST: '0.0.0.0' });
    expect(await server.ended).toBe(1);
    expect(server.output()).toContain('AUTH_ENABLED=false');
  });

  it.each([
    ['REST', 'HTTP_PORT'],
    ['gRPC', 'GRPC_PORT'],
  ])('says in one line that the port of %s is in use', async (wire, key) => {
    const occupied = createServer().listen(0, '127.0.0.1');
    await once(occupied, 'listening');
    const port = String(portOf(occupied));
    const server = start({ [key]: port, LOG_LEVEL: 'error' });
    expect(await server.ended).toBe(1);
    const message = `${wire} cannot listen on 127.0.0.1:${port}: the port is in use; set ${key} to another one`;
    expect(server.output().trim()).toBe(message);
    occupied.close();
  });
});

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return address.port;
}
