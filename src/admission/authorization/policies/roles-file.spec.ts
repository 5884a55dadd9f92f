import { expect, it } from 'vitest';
import { parseRolesFile } from './roles-file.js';

const roles = { analyst: { inference: ['iris', 'digit*'] } };

it('reads roles, users and everyone', () => {
  const file = parseRolesFile(JSON.stringify({ roles, users: { ci: ['analyst'] }, everyone: ['analyst'] }));
  expect(file.roles.get('analyst')?.get('inference')).toEqual(['iris', 'digit*']);
  expect(file.users.get('ci')).toEqual(['analyst']);
  expect(file.everyone).toEqual(['analyst']);
});

it('needs neither users nor everyone', () => {
  const { users, everyone } = parseRolesFile(JSON.stringify({ roles }));
  expect([users.size, everyone]).toEqual([0, []]);
});

it('gives names of the language no meaning', () => {
  const file = parseRolesFile('{"roles": {"__proto__": {"*": ["*"]}}, "users": {"constructor": ["__proto__"]}}');
  expect(file.roles.get('__proto__')?.get('*')).toEqual(['*']);
  expect(file.users.get('constructor')).toEqual(['__proto__']);
  expect(file.users.get('toString')).toBeUndefined();
});

it.each<[unknown, string]>([
  ['{', 'is not JSON'],
  ['', 'is not JSON'],
  [[], 'the file: is no object'],
  [{}, 'the file: is empty'],
  [{ users: {} }, 'roles: is missing'],
  [{ roles: {} }, 'roles: is empty'],
  [{ roles, groups: {} }, 'groups: is no section: use roles, users, everyone'],
  [{ roles: { a: {} } }, 'roles.a: is empty'],
  [{ roles: { a: ['iris'] } }, 'roles.a: is no object'],
  [{ roles: { a: { inferense: ['*'] } } }, 'roles.a.inferense: is no family of operations: use * or health, metadata'],
  [{ roles: { a: { inference: [] } } }, 'roles.a.inference: is empty'],
  [{ roles: { a: { inference: 'iris' } } }, 'roles.a.inference: is no list'],
  [{ roles: { a: { inference: ['iris', 7] } } }, 'roles.a.inference[1]: is no text'],
  [{ roles: { a: { inference: [''] } } }, 'roles.a.inference[0]: is no text'],
  [{ roles, users: { ci: ['analyst', 'analist'] } }, "users.ci[1]: role 'analist' is not defined under roles"],
  [{ roles, users: { ci: [] } }, 'users.ci: is empty'],
  [{ roles, users: null }, 'users: is no object'],
  [{ roles, everyone: ['reader'] }, "everyone[0]: role 'reader' is not defined under roles"],
])('refuses %j', (file, problem) => {
  expect(() => parseRolesFile(typeof file === 'string' ? file : JSON.stringify(file))).toThrow(problem);
});
