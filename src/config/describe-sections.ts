import { fileKeyOf, keysOf, type SectionClass } from './section.js';

/** One key as the documentation shows it. */
export interface KeyDescription {
  readonly key: string;
  /** The name of the class that holds it. */
  readonly section: string;
  /** As it would stand in the environment; `undefined` for a key that is unset by default. */
  readonly default: string | undefined;
  readonly allowed: string;
  readonly secret: boolean;
  readonly description: string;
}

/** Every key that the sections read, in order: `.env.example` and the reference are held against it. */
export function describeSections(sections: readonly SectionClass[]): KeyDescription[] {
  return sections.flatMap((section) => {
    const defaults = new section();
    return [...keysOf(section)].flatMap(([key, { description, allowed, secret, fromFile }]) => {
      const own = {
        key,
        section: section.name,
        default: asText(Reflect.get(defaults, key)),
        allowed,
        secret,
        description,
      };
      return fromFile ? [own, fileOf(own)] : [own];
    });
  });
}

const fileOf = ({ key, section }: KeyDescription): KeyDescription => ({
  key: fileKeyOf(key),
  section,
  default: undefined,
  allowed: 'the path of a file',
  secret: false,
  description: `The file to read ${key} from.`,
});

/** A list prints as it is written: with commas between. */
const asText = (value: string | number | boolean | readonly string[] | undefined): string | undefined =>
  value?.toString();
