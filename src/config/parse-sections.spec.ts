import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { MinLength } from 'class-validator';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigurationError } from './configuration-error.js';
import { Bool, Host, Int, List, OneOf, Port, Secret, Text } from './keys.js';
import { type Environment, parseSections } from './parse-sections.js';
import type { SectionClass } from './section.js';

class ServerConfig {
  @Host('Where it listens.') readonly DEMO_HOST: string = '127.0.0.1';
  @Port('The port.') readonly DEMO_PORT: number = 8080;
  @Int('How many.', { min: 1, max: 4 }) readonly DEMO_COUNT: number = 2;
  @Bool('Whether.') readonly DEMO_FLAG: boolean = false;
  @Bool('Whether, if said.') readonly DEMO_CHOICE?: boolean;
  @OneOf('Which.', ['red', 'green']) readonly DEMO_COLOUR: 'red' | 'green' = 'red';
  @List('Which ones.') readonly DEMO_NAMES: readonly string[] = ['*'];
  @MinLength(3, { message: 'at least 3 characters' })
  @Text('What.')
  readonly DEMO_TEXT: string = 'abc';
}

class SecretConfig {
  @Secret('The keys.') readonly DEMO_KEYS?: string;
}

function parse<T extends object>(section: SectionClass<T>, environment: Environment): T {
  const instance = parseSections([section], environment).instances.get(section);
  if (!(instance instanceof section)) throw new Error(`${section.name} is missing`);
  return instance;
}

function problemsOf(environment: Environment, ...sections: SectionClass[]): readonly string[] {
  try {
    parseSections(sections, environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

describe('parsing', () => {
  it('keeps the defaults where nothing is set', () => {
    expect(parse(ServerConfig, {})).toEqual(new ServerConfig());
  });

  it.each([
    ['DEMO_HOST', '::1', '::1'],
    ['DEMO_HOST', 'inference.example.org', 'inference.example.org'],
    ['DEMO_PORT', '0', 0],
    ['DEMO_PORT', ' 65535 ', 65_535],
    ['DEMO_FLAG', 'true', true],
    ['DEMO_FLAG', 'false', false],
    ['DEMO_CHOICE', 'false', false],
    ['DEMO_COLOUR', 'green', 'green'],
    ['DEMO_NAMES', 'iris, digits,,', ['iris', 'digits']],
    ['DEMO_NAMES', ',', []],
    ['DEMO_TEXT', 'longer', 'longer'],
  ] as const)('reads %s=%s', (key, text, value) => {
    expect(parse(ServerConfig, { [key]: text })[key]).toEqual(value);
  });

  it('counts empty text as unset', () => {
    const empty = { DEMO_HOST: '', DEMO_PORT: '', DEMO_FLAG: ' ', DEMO_CHOICE: '', DEMO_NAMES: '', DEMO_TEXT: '' };
    expect(parse(ServerConfig, empty)).toEqual(new ServerConfig());
  });

  it.each([
    ['DEMO_HOST', '0.0.0.0:80', 'use a host name or an IP address'],
    ['DEMO_PORT', '65536', 'use an integer from 0 to 65535'],
    ['DEMO_PORT', '0x50', 'use an integer from 0 to 65535'],
    ['DEMO_COUNT', '1.5', 'use an integer from 1 to 4'],
    ['DEMO_COUNT', '0', 'use an integer from 1 to 4'],
    ['DEMO_FLAG', 'yes', 'use true or false'],
    ['DEMO_COLOUR', 'blue', 'use one of red, green'],
    ['DEMO_TEXT', 'ab', 'use at least 3 characters'],
  ])('refuses %s=%s', (key, text, fix) => {
    expect(problemsOf({ [key]: text }, ServerConfig)).toEqual([`${key}=${JSON.stringify(text)}: ${fix}`]);
  });

  it('lists all problems of all sections in one error', () => {
    const environment = { DEMO_PORT: 'x', DEMO_FLAG: '1\n2', DEMO_KEYS: 'a', DEMO_KEYS_FILE: '/nowhere' };
    expect(() => parseSections([ServerConfig, SecretConfig], environment)).toThrow(
      new ConfigurationError([
        'DEMO_PORT="x": use an integer from 0 to 65535',
        String.raw`DEMO_FLAG="1\n2": use true or false`,
        'DEMO_KEYS=*** and DEMO_KEYS_FILE="/nowhere": use one of the two',
      ]),
    );
    expect(inspect(new ConfigurationError(['a', 'b']))).toBe(
      '[ConfigurationError: the configuration is not valid:\n  a\n  b]',
    );
  });

  it('freezes what it read', () => {
    expect(Object.isFrozen(parse(ServerConfig, {}))).toBe(true);
  });

  it('refuses a key that two sections declare', () => {
    class OtherConfig {
      @Text('The file.') readonly DEMO_KEYS_FILE: string = '';
    }
    expect(() => parseSections([SecretConfig, OtherConfig], {})).toThrow(
      'DEMO_KEYS_FILE is a key of both SecretConfig and OtherConfig',
    );
  });

  it('does not compile a decorator on a property of another type', () => {
    class WrongConfig {
      // @ts-expect-error the port is a number
      @Port('The port.') readonly DEMO_PORT: string = '8080';
    }
    expect(problemsOf({}, WrongConfig)).toEqual(['DEMO_PORT="8080": use an integer from 0 to 65535']);
  });
});

describe('secrets', () => {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-'));
  const path = join(folder, 'keys');
  afterAll(() => rmSync(folder, { recursive: true }));

  it('come from the environment or from a file', () => {
    writeFileSync(path, 'from-a-file\n');
    expect(parse(SecretConfig, { DEMO_KEYS: 'direct' }).DEMO_KEYS).toBe('direct');
    expect(parse(SecretConfig, { DEMO_KEYS_FILE: path }).DEMO_KEYS).toBe('from-a-file');
    expect(parse(SecretConfig, { DEMO_KEYS: '', DEMO_KEYS_FILE: path }).DEMO_KEYS).toBe('from-a-file');
    expect(parse(SecretConfig, { DEMO_KEYS_FILE: '' }).DEMO_KEYS).toBeUndefined();
  });

  it('come from the environment alone where their file is read otherwise', () => {
    class WatchedConfig {
      @Secret('The keys.', { fromFile: false }) readonly DEMO_KEYS?: string;
      @Text('The file of more keys.') readonly DEMO_KEYS_FILE?: string;
    }
    const section = parse(WatchedConfig, { DEMO_KEYS: 'direct', DEMO_KEYS_FILE: '/nowhere' });
    expect(section).toMatchObject({ DEMO_KEYS: 'direct', DEMO_KEYS_FILE: '/nowhere' });
    expect(JSON.stringify(section)).not.toContain('direct');
  });

  it('refuse a file that cannot be read or is empty', () => {
    writeFileSync(path, ' \n');
    for (const file of [path, folder, join(folder, 'missing')]) {
      const problem = `DEMO_KEYS_FILE=${JSON.stringify(file)}: use a file that is readable, and not empty`;
      expect(problemsOf({ DEMO_KEYS_FILE: file }, SecretConfig)).toEqual([problem]);
    }
  });

  it('are printed neither in problems nor with their section', () => {
    class StrictConfig {
      @MinLength(20, { message: 'at least 20 characters' })
      @Secret('The keys.')
      readonly DEMO_KEYS?: string;
    }
    expect(problemsOf({ DEMO_KEYS: 'hush' }, StrictConfig)).toEqual(['DEMO_KEYS=***: use at least 20 characters']);
    const section = parse(SecretConfig, { DEMO_KEYS: 'hush' });
    expect(inspect(section) + JSON.stringify(section)).not.toContain('hush');
  });
});

const warningsOf = (...keys: string[]) =>
  parseSections([ServerConfig, SecretConfig], Object.fromEntries(keys.map((key) => [key, 'x']))).warnings;

describe('warnings', () => {
  it.each([
    ['demo_port', 'DEMO_PORT'],
    ['DEMO_PROT', 'DEMO_PORT'],
    ['DEMO_KEY', 'DEMO_KEYS'],
    ['DEMO_KEYS_FIL', 'DEMO_KEYS_FILE'],
  ])('%s looks like %s', (key, meant) => {
    expect(warningsOf(key)).toEqual([`${key} is not read: did you mean ${meant}?`]);
  });

  it('leaves other keys alone', () => {
    expect(warningsOf('PATH', 'DEMO_PROXY', 'OTHER_PORT', 'DEMOPORT')).toEqual([]);
  });
});
