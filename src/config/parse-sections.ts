import { readFileSync } from 'node:fs';
import { validateSync } from './class-validator.js';
import { ConfigurationError } from './configuration-error.js';
import { misspellings } from './misspellings.js';
import { fileKeyOf, type KeyDefinition, keysOf, type SectionClass } from './section.js';

/** Variables by name, as text. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface ParsedSections {
  /** A frozen instance of each section. */
  readonly instances: ReadonlyMap<SectionClass, object>;
  /** Keys that are probably misspelled; see {@link misspellings}. */
  readonly warnings: readonly string[];
}

/** Reads every section from one environment. Throws one {@link ConfigurationError} with all problems. */
export function parseSections(sections: readonly SectionClass[], environment: Environment): ParsedSections {
  const known = knownKeys(sections);
  const problems: string[] = [];
  const instances = new Map(sections.map((section) => [section, parseSection(section, environment, problems)]));
  if (problems.length > 0) throw new ConfigurationError(problems);
  return { instances, warnings: misspellings(Object.keys(environment), known) };
}

function parseSection(section: SectionClass, environment: Environment, problems: string[]): object {
  const instance = new section();
  const texts = new Map<string, string>();
  for (const [key, definition] of keysOf(section)) {
    const text = definition.fromFile ? readEither(key, environment, problems) : textOf(environment[key]);
    if (text === undefined) continue;
    texts.set(key, text);
    Object.defineProperty(instance, key, { value: definition.read(text), enumerable: !definition.secret });
  }
  for (const { property, value, constraints = {} } of validateSync(instance)) {
    const shown = keysOf(section).get(property)?.secret === true ? '***' : JSON.stringify(texts.get(property) ?? value);
    problems.push(`${property}=${shown}: use ${Object.values(constraints).join(', ')}`);
  }
  return Object.freeze(instance);
}

function readEither(key: string, environment: Environment, problems: string[]): string | undefined {
  const fileKey = fileKeyOf(key);
  const path = textOf(environment[fileKey]);
  const text = textOf(environment[key]);
  if (path === undefined) return text;
  if (text !== undefined) {
    problems.push(`${key}=*** and ${fileKey}=${JSON.stringify(path)}: use one of the two`);
    return undefined;
  }
  const content = readText(path);
  if (content === undefined)
    problems.push(`${fileKey}=${JSON.stringify(path)}: use a file that is readable, and not empty`);
  return content;
}

function readText(path: string): string | undefined {
  try {
    return textOf(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Empty text counts as unset: that is how a compose file or a chart writes a key without a value. */
function textOf(raw: string | undefined): string | undefined {
  const text = raw?.trim();
  return text === '' ? undefined : text;
}

function knownKeys(sections: readonly SectionClass[]): string[] {
  const owners = new Map<string, string>();
  for (const section of sections) {
    for (const [key, definition] of keysOf(section)) {
      for (const name of namesOf(key, definition)) {
        const owner = owners.get(name);
        if (owner !== undefined) throw new TypeError(`${name} is a key of both ${owner} and ${section.name}`);
        owners.set(name, section.name);
      }
    }
  }
  return [...owners.keys()];
}

const namesOf = (key: string, { fromFile }: KeyDefinition): string[] => (fromFile ? [key, fileKeyOf(key)] : [key]);
