import { mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it, type MockInstance, vi } from 'vitest';
import { ConfigurationError } from './configuration-error.js';
import { FileWatcher, type ReloadEvent } from './file-watcher.js';

let folder: string;
let watcher: FileWatcher;
let events: ReloadEvent[];
let logged: MockInstance;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'watched-'));
  watcher = new FileWatcher({ RELOAD_INTERVAL_MS: 86_400_000 });
  events = [];
  watcher.onReload((event) => events.push(event));
  vi.spyOn(Logger.prototype, 'log').mockReturnValue();
  logged = vi.spyOn(Logger.prototype, 'error').mockReturnValue();
});

afterEach(() => {
  watcher.onApplicationShutdown();
  rmSync(folder, { recursive: true });
  vi.restoreAllMocks();
});

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const parse = ([content]: readonly Buffer[]): number => {
  const number = Number(content?.toString('utf8'));
  if (Number.isNaN(number)) throw new Error('that is no number');
  return number;
};

it('reads at once, and again when the contents change', async () => {
  const reloaded = vi.fn<(value: number) => void>();
  const watched = watcher.watch('NUMBER', [write('n', '1')], parse, reloaded);
  expect(watched.current).toBe(1);
  await watcher.checkNow();
  expect(reloaded).not.toHaveBeenCalled();
  write('n', '2');
  await watcher.checkNow();
  expect(watched.current).toBe(2);
  expect(reloaded.mock.calls).toEqual([[2]]);
  expect(events).toEqual([{ name: 'NUMBER', outcome: 'reloaded', reason: '' }]);
});

it('keeps the last good contents, says so once, and recovers', async () => {
  const watched = watcher.watch('NUMBER', [write('n', '1')], parse);
  write('n', 'x');
  await watcher.checkNow();
  await watcher.checkNow();
  expect(watched.current).toBe(1);
  expect(events).toEqual([{ name: 'NUMBER', outcome: 'refused', reason: 'that is no number' }]);
  expect(logged).toHaveBeenCalledTimes(1);
  write('n', '3');
  await watcher.checkNow();
  expect(watched.current).toBe(3);
});

it('sees through the links that Kubernetes swaps', async () => {
  const link = join(folder, 'link');
  symlinkSync(write('old', '1'), link);
  const watched = watcher.watch('NUMBER', [link], parse);
  unlinkSync(link);
  symlinkSync(write('new', '2'), link);
  await watcher.checkNow();
  expect(watched.current).toBe(2);
});

it('treats a file that is gone as one that cannot be parsed', async () => {
  const strict = (contents: readonly Buffer[]): number => {
    if (contents.some(({ length }) => length === 0)) throw new Error('it is empty');
    return parse(contents);
  };
  const watched = watcher.watch('NUMBER', [write('n', '1')], strict);
  unlinkSync(join(folder, 'n'));
  await watcher.checkNow();
  expect(watched.current).toBe(1);
  expect(events).toEqual([{ name: 'NUMBER', outcome: 'refused', reason: 'it is empty' }]);
});

it('says in one line what a parser refuses in several', async () => {
  const strict = ([content]: readonly Buffer[]): void => {
    if (content?.toString('utf8') !== '1') throw new ConfigurationError(['first', 'second']);
  };
  watcher.watch('NUMBER', [write('n', '1')], strict);
  write('n', '2');
  await watcher.checkNow();
  expect(events).toEqual([{ name: 'NUMBER', outcome: 'refused', reason: 'first; second' }]);
});

it('ends the start over files that cannot be read or parsed', () => {
  expect(() => watcher.watch('NUMBER', [join(folder, 'nowhere')], parse)).toThrow(ConfigurationError);
  expect(() => watcher.watch('NUMBER', [write('n', 'x')], parse)).toThrow(/NUMBER \(.*n\): that is no number/);
});

it('looks by itself, at its interval', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const timed = new FileWatcher({ RELOAD_INTERVAL_MS: 1_000 });
  const path = write('n', '1');
  const changed = new Promise<number>((resolve) => timed.watch('NUMBER', [path], parse, resolve));
  write('n', '2');
  vi.advanceTimersByTime(1_000);
  vi.useRealTimers();
  expect(await changed).toBe(2);
  timed.onApplicationShutdown();
});
