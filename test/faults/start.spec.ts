import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { mainProcesses } from '../support/main-process.js';

/** F57: a start that comes to nothing ends the process by a code other than 0, and says why in one line. */

const start = mainProcesses();

/** Holds a start where it would open its first port, and tells. */
const HOLD = `
  import net from 'node:net';
  net.Server.prototype.listen = function () {
    setInterval(() => undefined, 60_000);
    console.log('about to listen');
    return this;
  };
`;

const holding = ['--import', `data:text/javascript,${encodeURIComponent(HOLD)}`];

describe('F57', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s before the start is complete', async (signal) => {
    const server = start({ LOG_LEVEL: 'error' }, { execArgv: holding });
    await server.printed(/about to listen/);
    server.kill(signal);
    expect(await server.ended).toBe(1);
    expect(server.errors).toBe(`${signal} before the start was complete\n`);
  });

  it.each([
    ['REST', 'HTTP_PORT'],
    ['gRPC', 'GRPC_PORT'],
  ])('the port of %s is in use', async (wire, key) => {
    const occupied = createServer().listen(0, '127.0.0.1');
    await once(occupied, 'listening');
    const port = String((occupied.address() as AddressInfo).port);
    const server = start({ [key]: port, LOG_LEVEL: 'error' });
    expect(await server.ended).toBe(1);
    const message = `${wire} cannot listen on 127.0.0.1:${port}: the port is in use; set ${key} to another one`;
    expect(server.output).toBe(`${message}\n`);
    occupied.close();
  });

  it('both wires are given the same port', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const port = String((free.address() as AddressInfo).port);
    free.close();
    await once(free, 'close');
    const server = start({ HTTP_PORT: port, GRPC_PORT: port, LOG_LEVEL: 'error' });
    expect(await server.ended).toBe(1);
    expect(server.output).toMatch(/^\w+ cannot listen on \S+: the port is in use; set \w+_PORT to another one\n$/);
  });

  it.each([
    ['HTTP_PORT', 'abc'],
    ['GRPC_PORT', '65536'],
    ['LOG_LEVEL', 'loud'],
    ['MAX_MESSAGE_BYTES', '-1'],
    ['EVENT_LOOP_DELAY_LIMIT_MS', '0.5'],
  ])('%s has a value that it cannot have', async (key, value) => {
    const server = start({ [key]: value });
    expect(await server.ended).toBe(1);
    const [heading, problem = '', ...rest] = server.output.trim().split('\n');
    expect(heading).toBe('the configuration is not valid:');
    expect(problem).toContain(`${key}="${value}"`);
    expect(rest).toEqual([]);
  });

  it('every problem of the configuration is told at once, without a trace', async () => {
    const server = start({ HTTP_PORT: 'abc', LOG_LEVEL: 'loud', MAX_MESSAGE_BYTES: '-1' });
    expect(await server.ended).toBe(1);
    for (const key of ['HTTP_PORT="abc"', 'LOG_LEVEL="loud"', 'MAX_MESSAGE_BYTES="-1"']) {
      expect(server.output.split(key)).toHaveLength(2);
    }
    expect(server.output).not.toMatch(/\bat .*\.js:\d+/);
  });

  it('a file that the configuration names is not there', async () => {
    const server = start({ API_KEYS_FILE: '/nowhere/keys.txt' });
    expect(await server.ended).toBe(1);
    expect(server.errors).toMatch(/^the configuration is not valid:\n {2}API_KEYS_FILE: .*'\/nowhere\/keys\.txt'\n$/m);
    expect(server.errors).not.toMatch(/\bat .*\.js:\d+/);
  });
});
