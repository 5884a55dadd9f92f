/**
 * Parses JSON as clients of the protocol write it: by `JSON.parse`, which rounds integers beyond 2^53, and what that
 * refuses by a scanner of our own that also takes bare `NaN`, `Infinity`, `Inf` and their negatives.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return parseJsonExactly(text);
  }
}

/** Told of a key that stands twice in one object, and how deep that object is nested: 0 is the outermost. */
export type RepeatedKey = (key: string, depth: number) => void;

/**
 * Like {@link parseJson}, with every integer beyond 2^53 as a bigint, however it is written. Of a repeated key the last
 * value counts, unless `onRepeatedKey` throws. Throws a `SyntaxError`.
 */
export const parseJsonExactly = (text: string, onRepeatedKey: RepeatedKey = () => undefined): unknown =>
  new JsonScanner(text, onRepeatedKey).document();

/** Far deeper than any body of the protocol, far shallower than the stack. */
const MAX_DEPTH = 1_000;

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const QUOTE_OR_ESCAPE = /["\\]/g;
const SPACE = /[ \t\n\r]*/y;
const WORDS: readonly (readonly [string, unknown])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', Number.NaN],
  ['Infinity', Infinity],
  ['Inf', Infinity],
  ['-Infinity', -Infinity],
  ['-Inf', -Infinity],
];

class JsonScanner {
  private position = 0;

  constructor(
    private readonly text: string,
    private readonly onRepeatedKey: RepeatedKey,
  ) {}

  document(): unknown {
    this.space();
    const value = this.value(0);
    this.space();
    if (this.position < this.text.length) throw this.unexpected();
    return value;
  }

  private value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new SyntaxError(`JSON is nested deeper than ${MAX_DEPTH} levels`);
    switch (this.text[this.position]) {
      case '{':
        return this.object(depth);
      case '[':
        return this.array(depth);
      case '"':
        return this.string();
      default:
        return this.scalar();
    }
  }

  private object(depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.items('}', () => {
      const key = this.string();
      this.space();
      if (this.text[this.position] !== ':') throw this.unexpected();
      this.position++;
      this.space();
      if (Object.hasOwn(object, key)) this.onRepeatedKey(key, depth);
      // Defined, not assigned: a key called `__proto__` is only a key.
      const value = this.value(depth + 1);
      Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
    });
    return object;
  }

  private array(depth: number): unknown[] {
    const array: unknown[] = [];
    this.items(']', () => array.push(this.value(depth + 1)));
    return array;
  }

  /** Reads comma-separated items up to the closing bracket. */
  private items(close: string, item: () => void): void {
    this.position++;
    this.space();
    if (this.text[this.position] === close) {
      this.position++;
      return;
    }
    for (;;) {
      item();
      this.space();
      const next = this.text[this.position];
      if (next !== ',' && next !== close) throw this.unexpected();
      this.position++;
      if (next === close) return;
      this.space();
    }
  }

  private string(): string {
    if (this.text[this.position] !== '"') throw this.unexpected();
    QUOTE_OR_ESCAPE.lastIndex = this.position + 1;
    let end = QUOTE_OR_ESCAPE.exec(this.text);
    while (end !== null && end[0] !== '"') {
      QUOTE_OR_ESCAPE.lastIndex = end.index + 2;
      end = QUOTE_OR_ESCAPE.exec(this.text);
    }
    const start = this.position;
    this.position = end === null ? this.text.length : end.index + 1;
    return JSON.parse(this.text.slice(start, this.position)) as string;
  }

  private scalar(): unknown {
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.position)) {
        this.position += word.length;
        return value;
      }
    }
    const start = this.position;
    const number = Number(this.match(NUMBER));
    if (Number.isSafeInteger(number) || !Number.isInteger(number)) return number;
    const literal = this.text.slice(start, this.position);
    return /[.eE]/.test(literal) ? (exactInteger(literal) ?? number) : BigInt(literal);
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) throw this.unexpected();
    this.position += found.length;
    return found;
  }

  private space(): void {
    SPACE.lastIndex = this.position;
    this.position += SPACE.exec(this.text)?.[0].length ?? 0;
  }

  private unexpected(): SyntaxError {
    const found = this.text[this.position];
    return new SyntaxError(
      found === undefined
        ? 'unexpected end of JSON'
        : `unexpected character ${JSON.stringify(found)} at position ${this.position} of JSON`,
    );
  }
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d*))?[eE]?([+-]?\d+)?$/;

/** As many digits as the largest 64-bit integer has: what is longer is a number of the floating-point datatypes. */
const MAX_DIGITS = 20;

/** The 64-bit integer that a literal such as `12e17` or `9007199254740993.0` spells out; `undefined` when it is none. */
function exactInteger(literal: string): bigint | undefined {
  const [, sign = '', whole = '', zeros = '', exponent = '0'] = DECIMAL.exec(literal) ?? [];
  const fraction = zeros.replace(/0+$/, '');
  const places = Number(exponent) - fraction.length;
  if (places < 0 || whole.length + fraction.length + places > MAX_DIGITS) return undefined;
  return BigInt(`${sign}${whole}${fraction}${'0'.repeat(places)}`);
}
