import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build, install, root } from './prepare.mjs';

/**
 * Drives the server with the clients that the field has, in Python: test/clients. Arguments name the modules to run
 * (`core` for test_core.py), all of them by default. PYTHON names the interpreter; what is installed is kept in .cache.
 */

const CLIENTS = join(root, 'test/clients');
const TLS = join(root, 'test/fixtures/tls');

/** The modules by what they need; those of one line share a process, since each client brings the same contracts. */
const RUNS = [
  {
    requirements: 'requirements-triton.txt',
    modules: ['core', 'datatypes', 'streams', 'sequences', 'repository', 'schedule', 'tls', 'extensions'],
  },
  { requirements: 'requirements-triton.txt', modules: ['kserve'] },
  { requirements: 'requirements-mlserver.txt', modules: ['mlserver'] },
];

/** As many as Triton's own sample repository has: its clients count them. */
const COUNTED = [
  'simple',
  'simple_dyna_sequence',
  'simple_identity',
  'simple_int8',
  'simple_sequence',
  'simple_string',
  'identity_fp32',
  'repeat_int32',
];

/** An interpreter with the packages of a file of requirements, installed once for each of its contents. */
function environmentOf(requirements) {
  const file = join(CLIENTS, requirements);
  const hash = createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 12);
  const folder = join(root, '.cache/clients', `${requirements.replace(/\.txt$/, '')}-${hash}`);
  const interpreter = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const installed = join(folder, 'installed');
  if (existsSync(installed)) return interpreter;
  console.log(`installing ${requirements} into ${folder}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  must(process.env.PYTHON ?? 'python3', ['-m', 'venv', folder]);
  must(interpreter, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '-r', file]);
  writeFileSync(installed, '');
  return interpreter;
}

function must(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
}

/** The fixtures on free ports, in a process of its own. */
async function startServer(models, environment = {}) {
  const env = {
    PATH: process.env.PATH,
    HTTP_PORT: '0',
    GRPC_PORT: '0',
    AUDIT_LOG: 'off',
    NO_COLOR: '1',
    ...environment,
  };
  const child = spawn(process.execPath, [join(root, 'test/fixtures/server.mjs'), ...models], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk) => (errors += chunk));
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  let addresses;
  const ready = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      addresses ??= /REST on https?:\/\/(\S+), gRPC on (\S+)/.exec(line)?.slice(1);
      if (line.includes('try: curl')) resolve(addresses);
    });
  });
  const found = await Promise.race([ready, ended]);
  if (!Array.isArray(found)) throw new Error(`the server did not start: it ended with ${found}\n${errors}`);
  return {
    http: found[0],
    grpc: found[1],
    async stop() {
      child.kill('SIGTERM');
      const code = await ended;
      if (code !== 0) console.log(errors);
      return code;
    },
  };
}

const tally = { passed: 0, failed: 0 };

function count(line) {
  if (line.startsWith('ok ')) tally.passed++;
  if (line.startsWith('FAIL ')) tally.failed++;
  console.log(line);
}

async function runCases(interpreter, modules, environment) {
  const child = spawn(interpreter, ['-u', join(CLIENTS, 'run.py'), ...modules], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      PYTHONDONTWRITEBYTECODE: '1',
      GRPC_VERBOSITY: 'NONE',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: child.stdout }).on('line', count);
  const [code, signal] = await once(child, 'close');
  if (code !== 0) count(`FAIL ${modules.join(', ')}: the clients ended with ${code ?? signal}`);
}

install();
build();
const wanted = process.argv.slice(2);
const runs = RUNS.map(({ requirements, modules }) => ({
  requirements,
  modules: wanted.length === 0 ? modules : modules.filter((module) => wanted.includes(module)),
})).filter(({ modules }) => modules.length > 0);
const interpreters = runs.map(({ requirements }) => environmentOf(requirements));

const servers = await Promise.all([
  startServer([], { ALLOW_CLIENT_SHM: 'true' }),
  startServer(COUNTED),
  startServer(['simple', 'identity_fp32'], {
    TLS_CERT: join(TLS, 'server.crt'),
    TLS_KEY: join(TLS, 'server.key'),
    STREAM_DIALECT: 'mlserver',
  }),
]);
const [served, counted, secured] = servers;
for (const [index, { modules }] of runs.entries()) {
  await runCases(interpreters[index], modules, {
    HTTP_URL: served.http,
    GRPC_URL: served.grpc,
    COUNTED_HTTP_URL: counted.http,
    COUNTED_GRPC_URL: counted.grpc,
    COUNTED_MODELS: COUNTED.join(','),
    TLS_HTTP_URL: secured.http,
    TLS_GRPC_URL: secured.grpc,
    TLS_CA: join(TLS, 'ca.crt'),
  });
}
const codes = await Promise.all(servers.map((server) => server.stop()));
if (codes.every((code) => code === 0)) count('ok   the servers end when they are told to');
else count(`FAIL the servers end when they are told to: with ${codes.join(', ')}`);
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed === 0 ? 0 : 1;
