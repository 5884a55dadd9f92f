import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { GrpcClient } from '../../src/testing/grpc-client.js';
import { RestClient } from '../../src/testing/rest-client.js';
import { threadPriorities } from './process-threads.js';

const ROOT = join(import.meta.dirname, '../..');
const SCRIPT = join(ROOT, 'test/fixtures/threads/server.mjs');

interface Started {
  readonly addresses: { readonly http: string; readonly grpc: string };
  /** By the names of the models: the reason of their state, or its kind. */
  readonly states: Readonly<Record<string, string>>;
  /** By the names of the models: the class of what runs them. */
  readonly places: Readonly<Record<string, string>>;
}

/**
 * The built server in a process of its own, without the conditions that the tests run under: only there can a thread
 * load a model. It shares a folder with its models, in which they leave and find files.
 */
export class BuiltServer implements AsyncDisposable {
  readonly rest: RestClient;
  readonly grpc: GrpcClient;
  readonly states: Started['states'];
  readonly places: Started['places'];
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    { addresses, states, places }: Started,
    /** All that was printed so far. */
    readonly output: () => string,
  ) {
    this.rest = new RestClient(addresses.http);
    this.grpc = new GrpcClient(addresses.grpc);
    this.states = states;
    this.places = places;
    this.ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => code ?? signal ?? 'unknown');
  }

  static async start(
    models: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<BuiltServer> {
    if (!existsSync(join(ROOT, 'dist/main.js'))) {
      throw new Error('dist/main.js is missing: run `npm run build`, or the tests by `npm test`');
    }
    const folder = await mkdtemp(join(tmpdir(), 'threads-'));
    const { PATH = '' } = process.env;
    const defaults = { PATH, HTTP_PORT: '0', GRPC_PORT: '0', AUDIT_LOG: 'off', LOG_LEVEL: 'warn' };
    const env = {
      ...defaults,
      MODEL_REPOSITORY: folder,
      ALLOW_EMPTY_REPOSITORY: 'true',
      THREADS_FOLDER: folder,
      ...environment,
    };
    const child = fork(SCRIPT, models, { cwd: ROOT, env, execArgv: [], silent: true });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
    }
    const started = await Promise.race([once(child, 'message'), once(child, 'close')]);
    if (typeof started[0] !== 'object' || started[0] === null) throw new Error(`the server did not start:\n${printed}`);
    return new BuiltServer(child, folder, started[0] as Started, () => printed);
  }

  /** Leaves a file for the models. */
  async leave(name: string): Promise<void> {
    await writeFile(join(this.folder, name), '');
  }

  /** A place in the folder. */
  path(name: string): string {
    return join(this.folder, name);
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.folder, name));
  }

  has(name: string): boolean {
    return existsSync(join(this.folder, name));
  }

  /** Waits until a model has left the file; returns its text. */
  found(name: string): Promise<string> {
    return vi.waitFor(() => readFile(join(this.folder, name), 'utf8'), { timeout: 15_000, interval: 5 });
  }

  /** The nice values of its threads. */
  get threadPriorities(): readonly number[] {
    return threadPriorities(this.child.pid ?? 0);
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Closes the server and lets the process end by itself. */
  async close(): Promise<number | string> {
    this.grpc.close();
    this.child.send('close');
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.grpc.close();
    this.child.kill('SIGKILL');
    await this.ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}
