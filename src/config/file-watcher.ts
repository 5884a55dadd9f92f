import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { ConfigurationError } from './configuration-error.js';
import { ReloadConfig } from './reload.config.js';

/** What happened to watched files: their new contents are in use, or were refused and the old ones stay. */
export interface ReloadEvent {
  /** The keys of the configuration that name the files. */
  readonly name: string;
  readonly outcome: 'reloaded' | 'refused';
  /** Why they were refused; empty otherwise. */
  readonly reason: string;
}

export interface Watched<T> {
  /** What the files held when they last held anything valid. */
  readonly current: T;
}

interface Watch {
  readonly name: string;
  readonly check: () => Promise<void>;
}

/**
 * Reads files that may be replaced while the server runs: certificates, keys, policies. Their contents are compared
 * at an interval, which sees through the symbolic links that Kubernetes swaps. What cannot be parsed is logged once,
 * and what was there before stays in use.
 */
@Injectable()
export class FileWatcher implements OnApplicationShutdown {
  private readonly logger = new Logger('FileWatcher');
  private readonly watches: Watch[] = [];
  private readonly listeners = new Set<(event: ReloadEvent) => void>();
  private readonly timer: NodeJS.Timeout;

  constructor({ RELOAD_INTERVAL_MS }: ReloadConfig) {
    this.timer = setInterval(() => void this.checkNow(), RELOAD_INTERVAL_MS).unref();
  }

  /**
   * Reads the files now, and again whenever one changes. Throws a `ConfigurationError` when they cannot be read or
   * parsed now.
   */
  watch<T>(
    name: string,
    paths: readonly string[],
    parse: (contents: readonly Buffer[]) => T,
    onReload: (value: T) => void = () => undefined,
  ): Watched<T> {
    let seen = readNow(name, paths);
    const watched = { current: parseNow(name, paths, () => parse(seen)) };
    const check = async (): Promise<void> => {
      const contents = await Promise.all(paths.map((path) => readFile(path).catch(() => EMPTY)));
      if (contents.every((content, index) => content.equals(seen[index] ?? EMPTY))) return;
      seen = contents;
      try {
        watched.current = parse(contents);
        onReload(watched.current);
        this.tell({ name, outcome: 'reloaded', reason: '' });
      } catch (failure) {
        this.tell({ name, outcome: 'refused', reason: reasonOf(failure) });
      }
    };
    this.watches.push({ name, check });
    return watched;
  }

  /** Calls the listener after each change that was taken up or refused. */
  onReload(listener: (event: ReloadEvent) => void): void {
    this.listeners.add(listener);
  }

  /** Looks at all files now, instead of when the interval is over. */
  async checkNow(): Promise<void> {
    await Promise.all(this.watches.map(({ check }) => check()));
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private tell(event: ReloadEvent): void {
    if (event.outcome === 'reloaded') this.logger.log({ message: 'files reloaded', ...event });
    else this.logger.error({ message: 'changed files refused, the old ones stay in use', ...event });
    for (const listener of this.listeners) listener(event);
  }
}

const EMPTY = Buffer.alloc(0);

function readNow(name: string, paths: readonly string[]): readonly Buffer[] {
  try {
    return paths.map((path) => readFileSync(path));
  } catch (failure) {
    throw new ConfigurationError([`${name}: ${reasonOf(failure)}`]);
  }
}

function parseNow<T>(name: string, paths: readonly string[], parse: () => T): T {
  try {
    return parse();
  } catch (failure) {
    if (failure instanceof ConfigurationError) throw failure;
    throw new ConfigurationError([`${name} (${paths.join(', ')}): ${reasonOf(failure)}`]);
  }
}

function reasonOf(failure: unknown): string {
  if (failure instanceof ConfigurationError) return failure.problems.join('; ');
  return failure instanceof Error ? failure.message : String(failure);
}
