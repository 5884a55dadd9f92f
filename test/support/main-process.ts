import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type afterAll, afterEach } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'dist/main.js');

export interface MainOptions {
  /** Default: that of the project. */
  readonly cwd?: string;
  /** Arguments of Node.js, before the file. */
  readonly execArgv?: readonly string[];
}

/** `dist/main.js` as an operator starts it, in a process and with an environment of its own. */
export class MainProcess {
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  private readonly texts = { stdout: '', stderr: '' };
  private readonly waiting = new Set<() => void>();

  private constructor(private readonly child: ChildProcessByStdio<null, Readable, Readable>) {
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        this.texts[name] += chunk;
        for (const look of this.waiting) look();
      });
    }
    this.ended = once(child, 'close').then(([code, signal]: (number | string | null)[]) => code ?? signal ?? 'unknown');
  }

  static start(environment: Readonly<Record<string, string>>, options: MainOptions = {}): MainProcess {
    if (!existsSync(MAIN)) throw new Error('dist/main.js is missing: run `npm run build`, or the tests by `npm test`');
    const { cwd = ROOT, execArgv = [] } = options;
    const { PATH = '' } = process.env;
    const env = { PATH, HTTP_PORT: '0', GRPC_PORT: '0', AUDIT_LOG: 'off', ...environment };
    return new MainProcess(
      spawn(process.execPath, [...execArgv, MAIN], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  }

  /** All that was printed so far. */
  get output(): string {
    return this.texts.stdout + this.texts.stderr;
  }

  /** What was printed of errors so far. */
  get errors(): string {
    return this.texts.stderr;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Waits until it has printed something that matches. Throws with all that was printed when it ends without. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve) => {
      const look = (): void => {
        const match = pattern.exec(this.output);
        if (match !== null) resolve(match);
      };
      this.waiting.add(look);
      look();
    });
    const without = this.ended.then(() => {
      throw new Error(`the server ended without printing ${pattern.source}:\n${this.output}`);
    });
    return Promise.race([found, without]);
  }

  /** Waits until it serves: where, by wire. */
  async listening(): Promise<{ readonly http: string; readonly grpc: string }> {
    const [, http = '', grpc = ''] = await this.printed(/REST on (http:\S+), gRPC on (\S+?)(?=[\s"]|$)/m);
    await this.printed(/try: curl/);
    return { http, grpc };
  }
}

/** Starts processes for the tests of a file; what they leave behind ends with each of them, or with them all. */
export function mainProcesses(after: typeof afterEach | typeof afterAll = afterEach): typeof MainProcess.start {
  const started: MainProcess[] = [];

  after(async () => {
    const left = started.splice(0);
    for (const running of left) running.kill('SIGKILL');
    await Promise.all(left.map(({ ended }) => ended));
  });

  return (environment, options) => {
    const running = MainProcess.start(environment, options);
    started.push(running);
    return running;
  };
}
