type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * An object of a settings file. Null is as good as absent, and numbers and flags may stand in quotes, as MLServer takes
 * them. Each reader throws an `Error` of path, key, value and fix.
 */
export class SettingsObject {
  readonly values: Fields;

  /** `prefix` is where the object stands in the file: `parameters.`, or '' for the whole. */
  constructor(
    value: unknown,
    private readonly path: string,
    private readonly prefix = '',
  ) {
    if (!isObject(value)) throw new Error(`${this.at('')}: ${show(value)} is no object: use { }`);
    this.values = value;
  }

  /** Default: an empty object. */
  object(key: string): SettingsObject {
    return new SettingsObject(this.value(key) ?? {}, this.path, `${this.prefix}${key}.`);
  }

  /** Default: none. */
  objects(key: string): SettingsObject[] {
    return this.list(key).map(
      (value, index) => new SettingsObject(value, this.path, `${this.prefix}${key}[${index}].`),
    );
  }

  /** Default ''. */
  text(key: string): string {
    return this.toText(this.value(key) ?? '', key);
  }

  /** Default: none. */
  texts(key: string): string[] {
    return this.list(key).map((value, index) => this.toText(value, `${key}[${index}]`));
  }

  required(key: string): string {
    const text = this.text(key);
    if (text === '') throw this.wrong(key, this.value(key), 'is required');
    return text;
  }

  /** A number >= 0. Default 0. */
  number(key: string): number {
    const value = this.value(key) ?? 0;
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isFinite(number) || number < 0) {
      throw this.wrong(key, value, 'is no number: use one >= 0');
    }
    return number;
  }

  /** An integer >= 0. Default 0. */
  integer(key: string): number {
    const number = this.number(key);
    if (!Number.isSafeInteger(number)) throw this.wrong(key, number, 'is no integer: use one >= 0');
    return number;
  }

  /** Default false. */
  flag(key: string): boolean {
    const value = this.value(key) ?? false;
    const word = show(value).replaceAll('"', '').toLowerCase();
    if (TRUE.has(word)) return true;
    if (FALSE.has(word)) return false;
    throw this.wrong(key, value, 'is no flag: use true or false');
  }

  list(key: string): readonly unknown[] {
    const value = this.value(key) ?? [];
    if (!Array.isArray(value)) throw this.wrong(key, value, 'is no list: use [ ]');
    return value;
  }

  has(key: string): boolean {
    return this.value(key) !== undefined;
  }

  wrong(key: string, value: unknown, problem: string): Error {
    return new Error(`${this.at(key)}: ${show(value)} ${problem}`);
  }

  private value(key: string): unknown {
    return Object.hasOwn(this.values, key) ? (this.values[key] ?? undefined) : undefined;
  }

  private toText(value: unknown, key: string): string {
    if (typeof value !== 'string') throw this.wrong(key, value, 'is no text: put it in quotes');
    return value;
  }

  private at(key: string): string {
    const place = (this.prefix + key).replace(/\.$/, '');
    return place === '' ? this.path : `${this.path}: ${place}`;
  }
}

const TRUE: ReadonlySet<string> = new Set(['true', '1', 't', 'y', 'yes', 'on']);
const FALSE: ReadonlySet<string> = new Set(['false', '0', 'f', 'n', 'no', 'off']);

const MAX_SHOWN = 100;

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
