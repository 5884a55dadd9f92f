import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ConfigurationError } from '../../../config/configuration-error.js';
import { FileWatcher } from '../../../config/file-watcher.js';
import { accessRequestOf } from '../../../testing/fake-access-request.js';
import { RolesPolicy } from './roles.policy.js';

let folder: string;
let watcher: FileWatcher;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'roles-'));
  watcher = new FileWatcher({ RELOAD_INTERVAL_MS: 86_400_000 });
  vi.spyOn(Logger.prototype, 'log').mockReturnValue();
  vi.spyOn(Logger.prototype, 'error').mockReturnValue();
});

afterEach(() => {
  watcher.onApplicationShutdown();
  rmSync(folder, { recursive: true });
  vi.restoreAllMocks();
});

function write(file: unknown): string {
  const path = join(folder, 'roles.json');
  writeFileSync(path, typeof file === 'string' ? file : JSON.stringify(file));
  return path;
}

const FILE = {
  roles: {
    analyst: { inference: ['iris', 'digit*'], metadata: ['*'] },
    admin: { '*': ['*'] },
    reader: { statistics: ['iris'] },
  },
  users: { ci: ['analyst'] },
  everyone: ['reader'],
};

const open = (file: unknown = FILE) => new RolesPolicy(write(file), watcher);
const ci = { name: 'ci', roles: [] };
const boss = { name: 'boss', roles: ['admin'] };
const nobody = { name: 'nobody', roles: ['unheard-of', '__proto__'] };

it.each([
  [ci, 'inference', 'iris', 'permit'],
  [ci, 'inference', 'digit-reader', 'permit'],
  [ci, 'inference', 'fraud', 'deny'],
  [ci, 'metadata', 'fraud', 'permit'],
  [ci, 'metadata', '', 'permit'],
  [ci, 'inference', '*', 'deny'],
  [ci, 'metadata', '*', 'permit'],
  [ci, 'model-repository', '', 'deny'],
  [ci, 'model-repository', 'iris', 'deny'],
  [ci, 'statistics', 'iris', 'permit'],
  [boss, 'model-repository', 'fraud', 'permit'],
  [boss, 'logging', '', 'permit'],
  [nobody, 'inference', 'iris', 'deny'],
  [nobody, 'statistics', 'iris', 'permit'],
  [nobody, 'statistics', 'fraud', 'deny'],
  [undefined, 'statistics', 'iris', 'permit'],
  [undefined, 'inference', 'iris', 'deny'],
] as const)('%j, %s on %j: %s', (principal, action, model, decision) => {
  expect(open().decide(accessRequestOf({ principal, action, model }))).toBe(decision);
});

it('F64 takes up a change at once, keeps the last good file, and says where a broken one is broken', async () => {
  const policy = open();
  const events = vi.fn<(event: object) => void>();
  watcher.onReload(events);
  const ask = () => policy.decide(accessRequestOf({ principal: ci, action: 'inference', model: 'iris' }));
  write({ ...FILE, users: { ci: ['nobody'] } });
  await watcher.checkNow();
  expect(ask()).toBe('permit');
  expect(events).toHaveBeenCalledWith({
    name: 'AUTHZ_ROLES_FILE',
    outcome: 'refused',
    reason: "users.ci[0]: role 'nobody' is not defined under roles",
  });
  write({ roles: FILE.roles });
  await watcher.checkNow();
  expect(ask()).toBe('deny');
  rmSync(join(folder, 'roles.json'));
  await watcher.checkNow();
  write(FILE);
  await watcher.checkNow();
  expect(ask()).toBe('permit');
});

it('ends the start over a file that is missing or broken', () => {
  expect(() => new RolesPolicy(join(folder, 'nowhere.json'), watcher)).toThrow(ConfigurationError);
  expect(() => open({ roles: {} })).toThrow(/AUTHZ_ROLES_FILE \(.*roles\.json\): roles: is empty/);
});
