import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson, parseJsonExactly } from './parse-json.js';

const BOTH = [
  ['parseJson', parseJson],
  ['parseJsonExactly', parseJsonExactly],
] as const;

const runs = { numRuns: 100 };

/** The value with each bigint as the double that `JSON.parse` would have made of it. */
function rounded(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rounded(item)]));
}

function expectSame(text: string): void {
  const expected: unknown = JSON.parse(text);
  for (const [, parse] of BOTH) {
    const actual = rounded(parse(text));
    expect(actual).toStrictEqual(expected);
    expect(JSON.stringify(actual)).toBe(JSON.stringify(expected));
  }
}

const space = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 2 });
const escape = fc.constantFrom('\\n', '\\"', '\\\\', '\\/', '\\u0041', '\\ud83e\\udd8a', '\\ud800', '\\u0000');
const textUnit = fc.oneof(
  escape,
  fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }).map((text) => JSON.stringify(text).slice(1, -1)),
);
const string = fc.array(textUnit, { maxLength: 5 }).map((units) => `"${units.join('')}"`);
const number = fc.stringMatching(/^-?(0|[1-9]\d{0,24})(\.\d{1,5})?([eE][+-]?\d{1,3})?$/);

/** JSON in all its notations, where the built-in arbitrary only writes what `JSON.stringify` does. */
const { document } = fc.letrec<{ document: string; array: string; object: string }>((tie) => ({
  document: fc
    .tuple(
      space,
      fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom('true', 'false', 'null'),
        number,
        string,
        tie('array'),
        tie('object'),
      ),
      space,
    )
    .map((parts) => parts.join('')),
  array: fc.array(tie('document'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
  object: fc
    .array(fc.tuple(space, fc.oneof(string, fc.constant('"__proto__"')), space, tie('document')), { maxLength: 4 })
    .map((items) => `{${items.map(([before, key, after, item]) => `${before}${key}${after}:${item}`).join(',')}}`),
}));

describe('JSON of any kind', () => {
  it('means what JSON.parse says', () => {
    fc.assert(fc.property(fc.oneof(fc.json(), document), expectSame), { numRuns: 300 });
  });

  it('is refused exactly where JSON.parse refuses it', () => {
    const pieces = fc.constantFrom(
      ...'{}[]",:\\0123456789.eE+-tfnu \n\u{1}\u{A0}\u{FEFF}'.split(''),
      '""',
      '[]',
      '//',
      "'a'",
    );
    const edit = fc.tuple(fc.nat(), fc.nat(2), fc.oneof(pieces, fc.constant('')));
    const property = fc.property(document, edit, (text, [place, cut, piece]) => {
      const start = place % (text.length + 1);
      const edited = text.slice(0, start) + piece + text.slice(start + cut);
      if (isJson(edited)) expectSame(edited);
      else for (const [, parse] of BOTH) expect(() => parse(edited)).toThrow(SyntaxError);
    });
    fc.assert(property, { numRuns: 500 });
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe.each(BOTH)('%s', (_, parse) => {
  it('reads bare NaN and infinities wherever a value may stand', () => {
    expect(parse('NaN')).toBeNaN();
    expect(parse('[NaN, Infinity, -Infinity, Inf, -Inf, 1]')).toEqual([
      Number.NaN,
      Infinity,
      -Infinity,
      Infinity,
      -Infinity,
      1,
    ]);
    expect(parse('{"a": -Infinity, "b": {"c": NaN}}')).toEqual({ a: -Infinity, b: { c: Number.NaN } });
    expect(parse('["NaN", "Infinity"]')).toEqual(['NaN', 'Infinity']);
  });

  it.each(['nan', 'NAN', '-NaN', '+Infinity', 'infinity', 'Infinit', 'Infx', '--Infinity', '{NaN: 1}', 'undefined'])(
    'refuses %s',
    (text) => {
      expect(() => parse(text)).toThrow(SyntaxError);
    },
  );

  it('keeps -0', () => {
    expect(parse('[-0, -0.0, 0, NaN]')).toStrictEqual([-0, -0, 0, Number.NaN]);
  });

  it('keeps a key called __proto__ as a key', () => {
    const parsed = parse('{"__proto__": {"polluted": true}, "constructor": 1, "x": NaN}');
    expect(JSON.stringify(parsed)).toBe('{"__proto__":{"polluted":true},"constructor":1,"x":null}');
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
    expect(parsed).not.toHaveProperty('polluted');
    expect({}).not.toHaveProperty('polluted');
  });

  it('takes the last of two equal keys, in the place of the first', () => {
    const parsed = parse('{"a": 1, "b": 2, "a": [NaN]}');
    expect(parsed).toEqual({ a: [Number.NaN], b: 2 });
    expect(JSON.stringify(parsed)).toBe('{"a":[null],"b":2}');
  });

  it.each([
    ['nothing', ''],
    ['only space', ' \n'],
    ['a truncated object', '{"inputs": [NaN'],
    ['a truncated string', '["abc'],
    ['a string that ends in its escape', '["abc\\'],
    ['a truncated number', '[-'],
    ['a byte order mark', '\u{FEFF}{}'],
    ['a second document', '{} {}'],
    ['trailing garbage', '[1] x'],
    ['a trailing comma', '[1,]'],
    ['a trailing comma after a key', '{"a":1,}'],
    ['a leading comma', '[,1]'],
    ['a leading zero', '[01]'],
    ['a leading plus', '[+1]'],
    ['a bare dot', '[1.]'],
    ['a bare exponent', '[1e]'],
    ['a comment', '[1] // one'],
    ['single quotes', "{'a': 1}"],
    ['a key without quotes', '{a: 1}'],
    ['a key without a value', '{"a"}'],
    ['a number as key', '{1: 1}'],
    ['the wrong bracket', '[1}'],
    ['a raw line break in a string', '["a\nb"]'],
    ['an unknown escape', String.raw`["\x41"]`],
    ['a space of another alphabet', '[1,\u{A0}2]'],
  ])('refuses %s', (_, text) => {
    expect(() => parse(text)).toThrow(SyntaxError);
  });

  it.each(['[', '{"a":', '[{"a":'])('refuses 100 000 times %s without exhausting the stack', (open) => {
    expect(() => parse(open.repeat(100_000))).toThrow(SyntaxError);
  });

  it('reads 1 000 levels', () => {
    expect(() => parse(`${'['.repeat(1_000)}NaN${']'.repeat(1_000)}`)).not.toThrow();
  });

  it('refuses nesting around a NaN beyond the limit', () => {
    expect(() => parse(`${'['.repeat(5_000)}NaN${']'.repeat(5_000)}`)).toThrow(
      new SyntaxError('JSON is nested deeper than 1000 levels'),
    );
  });

  const MEGABYTES = 5 * 2 ** 20;

  it.each([
    ['a plain string', `"${'a'.repeat(MEGABYTES)}"`],
    ['a string of escapes', `"${'\\n'.repeat(MEGABYTES / 2)}"`],
    ['a string of quotes', `"${'\\"'.repeat(MEGABYTES / 2)}"`],
    ['short strings', `"a",`.repeat(MEGABYTES / 4) + '0'],
    ['numbers', '12345,'.repeat(MEGABYTES / 6) + '0'],
    ['one number', '9'.repeat(MEGABYTES)],
    ['one fraction', `0.${'9'.repeat(MEGABYTES)}`],
    ['space', ' '.repeat(MEGABYTES) + '0'],
  ])('reads 5 MB of %s in linear time', (_, text) => {
    const start = performance.now();
    parse(`[NaN,${text}]`);
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  it('refuses 5 MB of an unfinished string in linear time', () => {
    const start = performance.now();
    expect(() => parse(`["${'\\"'.repeat(MEGABYTES / 2)}`)).toThrow(SyntaxError);
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});

describe('parseJson', () => {
  it('rounds integers beyond 2^53 as JSON.parse does', () => {
    expect(parseJson('9007199254740993')).toBe(9_007_199_254_740_992);
  });

  it('keeps them as bigints in a text that JSON.parse refuses', () => {
    expect(parseJson('[NaN, 9007199254740993]')).toEqual([Number.NaN, 9_007_199_254_740_993n]);
  });
});

describe('parseJsonExactly', () => {
  it('keeps every integer', () => {
    const property = fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (integer) => {
      const parsed = parseJsonExactly(`[${integer}]`);
      const safe = integer >= Number.MIN_SAFE_INTEGER && integer <= Number.MAX_SAFE_INTEGER;
      expect(parsed).toStrictEqual([safe ? Number(integer) : integer]);
    });
    fc.assert(property, runs);
  });

  it.each([
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740992', 9_007_199_254_740_992n],
    ['-9007199254740993', -9_007_199_254_740_993n],
    ['9223372036854775807', 9_223_372_036_854_775_807n],
    ['18446744073709551615', 18_446_744_073_709_551_615n],
    ['1e20', 1e20],
    ['100000000000000000000.0', 1e20],
    ['1e400', Infinity],
  ])('reads %s', (text, value) => {
    expect(parseJsonExactly(text)).toBe(value);
  });

  it.each([
    ['[1, x]', 'unexpected character "x" at position 4 of JSON'],
    ['{"a" 1}', 'unexpected character "1" at position 5 of JSON'],
    ['[1', 'unexpected end of JSON'],
  ])('says where %s is wrong', (text, message) => {
    expect(() => parseJsonExactly(text)).toThrow(new SyntaxError(message));
  });
});

it('tells of keys that stand twice, and how deep', () => {
  const told: unknown[] = [];
  const text = '{"a":1,"a":{"b":1,"b":2},"c":[{"d":1,"d":2}],"__proto__":1,"__proto__":2}';
  const parsed = parseJsonExactly(text, (...repeated) => told.push(repeated));
  expect(told).toEqual([
    ['a', 0],
    ['b', 1],
    ['d', 2],
    ['__proto__', 0],
  ]);
  expect(Object.entries(parsed as object)).toEqual([
    ['a', { b: 2 }],
    ['c', [{ d: 2 }]],
    ['__proto__', 2],
  ]);
});
