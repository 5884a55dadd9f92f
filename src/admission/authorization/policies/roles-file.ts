import {
  isOperationFamily,
  OPERATION_FAMILIES,
  type OperationFamily,
} from '../../../protocol/call/operation.decorator.js';

/** The patterns of the models that a role may be used on, by family; `*` is every family. */
export type Rights = ReadonlyMap<OperationFamily | '*', readonly string[]>;

export interface RolesFile {
  readonly roles: ReadonlyMap<string, Rights>;
  /** The roles of a caller by name, beside those that the credentials bring. */
  readonly users: ReadonlyMap<string, readonly string[]>;
  /** The roles of every caller. */
  readonly everyone: readonly string[];
}

const SECTIONS: readonly string[] = ['roles', 'users', 'everyone'];

/** Reads what `AUTHZ_ROLES_FILE` holds. Throws an `Error` that names the path inside the file. */
export function parseRolesFile(text: string): RolesFile {
  const file = entriesAt('the file', parse(text));
  for (const section of file.keys()) {
    if (!SECTIONS.includes(section)) throw new Error(`${section}: is no section: use ${SECTIONS.join(', ')}`);
  }
  const roles = mapValues(entriesAt('roles', file.get('roles')), (role, rights) =>
    mapFamilies(entriesAt(`roles.${role}`, rights), `roles.${role}`),
  );
  const rolesAt = (path: string, value: unknown): readonly string[] => {
    const names = textsAt(path, value);
    const stray = names.findIndex((name) => !roles.has(name));
    if (stray >= 0) throw new Error(`${path}[${stray}]: role '${names[stray]}' is not defined under roles`);
    return names;
  };
  const users = file.has('users') ? entriesAt('users', file.get('users')) : new Map<string, unknown>();
  return {
    roles,
    users: mapValues(users, (name, own) => rolesAt(`users.${name}`, own)),
    everyone: file.has('everyone') ? rolesAt('everyone', file.get('everyone')) : [],
  };
}

function mapFamilies(rights: ReadonlyMap<string, unknown>, path: string): Rights {
  const families = new Map<OperationFamily | '*', readonly string[]>();
  for (const [family, patterns] of rights) {
    if (family !== '*' && !isOperationFamily(family)) {
      throw new Error(`${path}.${family}: is no family of operations: use * or ${OPERATION_FAMILIES.join(', ')}`);
    }
    families.set(family, textsAt(`${path}.${family}`, patterns));
  }
  return families;
}

const mapValues = <A, B>(map: ReadonlyMap<string, A>, change: (key: string, value: A) => B): Map<string, B> =>
  new Map([...map].map(([key, value]) => [key, change(key, value)]));

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (failure) {
    throw new Error(`is not JSON: ${(failure as Error).message}`, { cause: failure });
  }
}

function entriesAt(path: string, value: unknown): Map<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${path}: ${value === undefined ? 'is missing' : 'is no object'}: write {"name": ...}`);
  }
  const entries = Object.entries(value);
  if (entries.length === 0) throw new Error(`${path}: is empty: write {"name": ...}`);
  return new Map(entries);
}

function textsAt(path: string, value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new Error(`${path}: ${Array.isArray(value) ? 'is empty' : 'is no list'}: write ["name"]`);
  }
  const stray = value.findIndex((text) => typeof text !== 'string' || text === '');
  if (stray >= 0) throw new Error(`${path}[${stray}]: is no text: write a name`);
  return value as readonly string[];
}
