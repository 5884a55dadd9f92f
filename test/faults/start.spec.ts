import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { mainProcesses } from '../support/main-process.js';

/** F57: a start that comes to nothing ends the process by a code other than 0, and says why in one line. */

const ROOT = join(import.meta.dirname, '../..');

const start = mainProcesses();

let starts = 0;

/**
 * Runs `main.ts` anew in this process, which has imported the rest of the server: what a start says that comes to
 * nothing is the same here as in a process of its own.
 */
async function startHere(environment: Readonly<Record<string, string>>) {
  const printed = { output: '', errors: '' };
  const note = (of: 'stdout' | 'stderr') => (text: unknown) => {
    printed.output += String(text);
    if (of === 'stderr') printed.errors += String(text);
    return true;
  };
  for (const of of ['stdout', 'stderr'] as const) vi.spyOn(process[of], 'write').mockImplementation(note(of));
  vi.spyOn(console, 'error').mockImplementation((text) => void note('stderr')(`${text}\n`));
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  const defaults = { HTTP_PORT: '0', GRPC_PORT: '0', AUDIT_LOG: 'off' };
  for (const [key, value] of Object.entries({ ...defaults, ...environment })) vi.stubEnv(key, value);
  const signals = ['SIGTERM', 'SIGINT'] as const;
  const listeners = signals.map((signal) => process.listeners(signal));
  starts += 1;
  await import(/* @vite-ignore */ `${ROOT}/src/main.ts?start=${starts}`);
  for (const [index, signal] of signals.entries()) {
    for (const listener of process.listeners(signal)) {
      if (!listeners[index]?.includes(listener)) process.off(signal, listener);
    }
  }
  return { codes: exit.mock.calls.flat(), ...printed };
}

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Is gone with the test that it is for. */
async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'start-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const dataUrl = (code: string): string => `data:text/javascript,${encodeURIComponent(code)}`;

/** Runs code before the server's own. */
const before = (code: string): readonly string[] => ['--import', dataUrl(code)];

/** Holds a start where it would open its first port, and tells. */
const HOLD_LISTENING = `
  import net from 'node:net';
  net.Server.prototype.listen = function () {
    setInterval(() => undefined, 60_000);
    console.log('about to listen');
    return this;
  };
`;

/** Holds a start where it would load its modules, and tells. */
const LOADER = `
  export const load = (url, context, next) => {
    if (!url.endsWith('/dist/bootstrap.js')) return next(url, context);
    console.log('about to load');
    return new Promise(() => undefined);
  };
`;
const HOLD_LOADING = `
  import { register } from 'node:module';
  register(${JSON.stringify(dataUrl(LOADER))});
  setInterval(() => undefined, 60_000);
`;

const absent = (name: string): string => `ENOENT: no such file or directory, open '/nowhere/${name}'`;

describe('F57', () => {
  it('what is installed is old, and a link', async () => {
    await using folder = await temporaryFolder();
    const [project, others] = [join(folder.path, 'project'), join(folder.path, 'others')];
    await cp(join(ROOT, 'scripts'), join(project, 'scripts'), { recursive: true });
    await mkdir(others);
    await writeFile(join(others, 'package.json'), '{}');
    await writeFile(join(project, 'package.json'), '{ "name": "project", "version": "1.0.0" }');
    await writeFile(join(project, 'package-lock.json'), '{ "lockfileVersion": 3, "packages": {} }');
    await symlink(others, join(project, 'node_modules'));
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/start.mjs'], { cwd: project });
    expect([status, String(stdout)]).toEqual([1, '']);
    expect(String(stderr)).toBe(
      'node_modules is older than package-lock.json, and a link to a folder that npm ci would empty: remove it\n',
    );
    expect(await readdir(others)).toEqual(['package.json']);
  });

  it.each([
    ['SIGTERM', 'load', HOLD_LOADING],
    ['SIGINT', 'load', HOLD_LOADING],
    ['SIGTERM', 'listen', HOLD_LISTENING],
    ['SIGINT', 'listen', HOLD_LISTENING],
  ] as const)('%s before the start is complete, when it is about to %s', async (signal, step, hold) => {
    const server = start({ LOG_LEVEL: 'error' }, { execArgv: before(hold) });
    await server.printed(new RegExp(`about to ${step}`));
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
    const { codes, output } = await startHere({ [key]: port, LOG_LEVEL: 'error' });
    const message = `${wire} cannot listen on 127.0.0.1:${port}: the port is in use; set ${key} to another one`;
    expect([codes, output]).toEqual([[1], `${message}\n`]);
    occupied.close();
  });

  it('both wires are given the same port', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const port = String((free.address() as AddressInfo).port);
    free.close();
    await once(free, 'close');
    const { codes, output } = await startHere({ HTTP_PORT: port, GRPC_PORT: port, LOG_LEVEL: 'error' });
    expect(codes).toEqual([1]);
    expect(output).toMatch(/^\w+ cannot listen on \S+: the port is in use; set \w+_PORT to another one\n$/);
  });

  it.each([
    ['HTTP_PORT', 'abc'],
    ['GRPC_PORT', '65536'],
    ['LOG_LEVEL', 'loud'],
    ['MAX_MESSAGE_BYTES', '-1'],
    ['EVENT_LOOP_DELAY_LIMIT_MS', '0.5'],
  ])('%s has a value that it cannot have', async (key, value) => {
    const { codes, output } = await startHere({ [key]: value });
    expect(codes).toEqual([1]);
    const [heading, problem = '', ...rest] = output.trim().split('\n');
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

  it.each<[problem: string, environment: Readonly<Record<string, string>>]>([
    [`API_KEYS_FILE: ${absent('keys.txt')}`, { API_KEYS_FILE: '/nowhere/keys.txt' }],
    [`AUTHZ_ROLES_FILE: ${absent('roles.json')}`, { AUTHZ: 'roles', AUTHZ_ROLES_FILE: '/nowhere/roles.json' }],
    [`JWT_PUBLIC_KEY_FILE: ${absent('key.pem')}`, { JWT_PUBLIC_KEY_FILE: '/nowhere/key.pem' }],
    [`AUDIT_LOG="/nowhere/audit.log": ${absent('audit.log')}`, { AUDIT_LOG: '/nowhere/audit.log' }],
    ['OPA_URL is unset: set it to the URL of the decision point', { AUTHZ: 'opa' }],
    [
      'GRPC_RESTRICTED_PROTOCOL: entry 1 is malformed: write family,family:key=value',
      { GRPC_RESTRICTED_PROTOCOL: 'health' },
    ],
  ])('%s: found when the server is put together, it is told once, and nothing else', async (problem, environment) => {
    const { codes, output, errors } = await startHere(environment);
    expect([codes, output]).toEqual([[1], errors]);
    expect(errors).toBe(`the configuration is not valid:\n  ${problem}\n`);
  });

  it('the server would be open to other machines without credentials', async () => {
    const { codes, output } = await startHere({ HTTP_HOST: '0.0.0.0' });
    expect(codes).toEqual([1]);
    expect(output).toContain('AUTH_ENABLED=false');
  });
});
