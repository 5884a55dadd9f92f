import { describe, expect, it } from 'vitest';
import { compileSnippets } from '../../../test/types/compile.js';

/** What every snippet starts with; the exports keep the compiler from calling it unused. */
const PRELUDE = `
import { type BatchContext, fp32, type InferContext, type Inputs, int32, Model, type ModelClient, optional, signature, type Tensor, workerThreads } from '#core';
export const scaler = signature({ inputs: { x: fp32(-1), factor: optional(fp32(1)) }, outputs: { y: fp32(-1) } });
export type X = Tensor<'FP32'>;
export declare const models: ModelClient;
export type { BatchContext, InferContext, Inputs };
export { int32, Model, workerThreads };
`;

const model = (members: string, modifiers = ''): string => `
@Model('scaler', scaler)
export ${modifiers} class ScalerModel {
  ${members}
}`;

const pooled = (members: string): string =>
  model(members).replace('scaler)', 'scaler, { execution: workerThreads({ module: import.meta.url, size: 2 }) })');

const batched = (members: string): string => model(members).replace('scaler)', 'scaler, { batching: { maxSize: 8 } })');

const GOOD = {
  'an infer that returns its outputs': model(`
    infer({ x }: Inputs<typeof scaler>) { return { y: x.map((value) => value * 2) }; }`),
  'an async infer': model(`
    async infer({ x }: Inputs<typeof scaler>) { await Promise.resolve(); return { y: x }; }`),
  'an infer that takes a context': model(`
    infer({ x }: Inputs<typeof scaler>, { signal }: InferContext) { signal.throwIfAborted(); return { y: x }; }`),
  'an infer that takes fewer inputs than it is given': model(`
    infer({ x }: { x: X }) { return { y: x }; }`),
  'an infer that takes nothing': model(`
    infer() { return { y: fp32.of([0], []) }; }`),
  'an infer that checks its optional input': model(`
    infer({ x, factor }: Inputs<typeof scaler>) {
      const by = factor?.data[0] ?? 1;
      return { y: x.map((value) => value * by) };
    }`),
  'an infer that only throws': model(`
    infer(): never { throw new Error('failing'); }`),
  'an infer with branches': model(`
    infer({ x, factor }: Inputs<typeof scaler>) {
      if (factor === undefined) return { y: x };
      return { y: factor };
    }`),
  'a generator': model(`
    *stream({ x }: Inputs<typeof scaler>) { yield { y: x }; }`),
  'an async generator': model(`
    async *stream({ x }: Inputs<typeof scaler>, { signal }: InferContext) {
      await Promise.resolve();
      while (!signal.aborted) yield { y: x };
    }`),
  'a stream that returns an iterable': model(`
    stream({ x }: Inputs<typeof scaler>) { return [{ y: x }, { y: x }]; }`),
  'a class with a lifecycle and dependencies': model(`
    constructor(private readonly client: ModelClient) {}
    async load() { await Promise.resolve(); }
    async infer({ x }: Inputs<typeof scaler>, context: InferContext) {
      const { y } = await this.client.infer({ name: 'other', signature: scaler }, { x }, context);
      return { y };
    }`),
  'a pooled model whose constructor takes nothing': pooled(`
    private readonly factor: number;
    constructor() { this.factor = 2; }
    infer({ x }: Inputs<typeof scaler>) { return { y: x.map((value) => value * this.factor) }; }`),
  'a pooled model without a constructor': pooled(`
    async load() { await Promise.resolve(); }
    infer({ x }: Inputs<typeof scaler>) { return { y: x }; }`),
  'a batched model': batched(`
    infer({ x }: Inputs<typeof scaler>, { requests, signal }: BatchContext) {
      signal.throwIfAborted();
      return { y: x.map((value) => value * requests.length) };
    }`),
  'options without an execution beside dependencies': model(`
    constructor(readonly client: ModelClient) {}
    infer({ x }: Inputs<typeof scaler>) { return { y: x }; }`).replace('scaler)', 'scaler, {})'),
  'an optional output left out': `
    const maybe = signature({ inputs: {}, outputs: { y: fp32(1), z: optional(fp32(1)) } });
    @Model('maybe', maybe)
    export class MaybeModel { infer() { return { y: fp32.of([1], [1]) }; } }`,
  'an optional output given as undefined': `
    const maybe = signature({ inputs: {}, outputs: { z: optional(fp32(1)) } });
    @Model('maybe', maybe)
    export class MaybeModel { infer() { return { z: undefined }; } }`,
  'integer-like names in the form of entries': `
    const entries = signature({ inputs: [['0', fp32(1)]], outputs: [['1', int32(1)]] });
    @Model('entries', entries)
    export class EntriesModel {
      infer({ 0: x }: Inputs<typeof entries>) { return { '1': int32.of([1], x.numbers()) }; }
    }`,
  'calls of a model client': `
    export async function call(x: X): Promise<X | undefined> {
      const { y } = await models.infer({ name: 'scaler', signature: scaler }, { x, factor: undefined });
      const { z } = await models.infer('other', { x: y });
      return z?.datatype === 'FP32' ? y : undefined;
    }`,
};

/** What does not compile, and what the compiler says about the line of the decorator. */
const MISFITS = {
  'an output of another datatype': [
    model(`infer({ x }: Inputs<typeof scaler>) { return { y: int32.of(x.shape, x.numbers()) }; }`),
    'the outputs are not those of the signature',
  ],
  'an output of another datatype in an async infer': [
    model(`async infer({ x }: Inputs<typeof scaler>) { return { y: int32.of(x.shape, x.numbers()) }; }`),
    'the outputs are not those of the signature',
  ],
  'an output that is no tensor': [
    model(`infer({ x }: Inputs<typeof scaler>) { return { y: x.data }; }`),
    'the outputs are not those of the signature',
  ],
  'a missing output': [
    model(`infer({ x }: Inputs<typeof scaler>) { void x; return {}; }`),
    'the outputs are not those of the signature',
  ],
  'an output that is missing in one branch': [
    model(`infer({ x, factor }: Inputs<typeof scaler>) { return factor === undefined ? { y: x } : {}; }`),
    'the outputs are not those of the signature',
  ],
  'an infer that returns nothing': [
    model(`infer({ x }: Inputs<typeof scaler>) { void x; }`),
    'the outputs are not those of the signature',
  ],
  'an undeclared output': [
    model(`infer({ x }: Inputs<typeof scaler>) { return { y: x, z: x }; }`),
    'an output is not in the signature',
  ],
  'an undeclared output in one branch': [
    `declare const either: { y: X } | { y: X; z: X };${model(`infer() { return either; }`)}`,
    'an output is not in the signature',
  ],
  'an input that the signature does not have': [
    model(`infer({ x, z }: { x: X; z: X }) { return { y: x ?? z }; }`),
    'infer takes inputs that the signature does not give',
  ],
  'an input of another datatype': [
    model(`infer({ x }: { x: Tensor<'INT32'> }) { return { y: fp32.of(x.shape, x.numbers()) }; }`),
    'infer takes inputs that the signature does not give',
  ],
  'an optional input taken as required': [
    model(`infer({ x, factor }: { x: X; factor: X }) { return { y: x ?? factor }; }`),
    'infer takes inputs that the signature does not give',
  ],
  'an infer that wants a third argument': [
    model(
      `infer({ x }: Inputs<typeof scaler>, context: InferContext, more: X) { void context; return { y: x ?? more }; }`,
    ),
    'infer takes inputs that the signature does not give',
  ],
  'an abstract class': [
    model(`infer({ x }: Inputs<typeof scaler>) { return { y: x }; }`, 'abstract'),
    'Cannot assign an abstract constructor type to a non-abstract constructor type',
  ],
  'a class with neither infer nor stream': [
    model(`run({ x }: Inputs<typeof scaler>) { return { y: x }; }`),
    'a model has a method infer or stream',
  ],
  'an infer that is only static': [
    model(`static infer({ x }: Inputs<typeof scaler>) { return { y: x }; }`),
    'a model has a method infer or stream',
  ],
  'a stream that yields an output of another datatype': [
    model(`*stream({ x }: Inputs<typeof scaler>) { yield { y: int32.of(x.shape, x.numbers()) }; }`),
    'the outputs are not those of the signature',
  ],
  'an async stream that yields too few outputs': [
    model(`async *stream({ x }: Inputs<typeof scaler>) { void x; yield {}; }`),
    'the outputs are not those of the signature',
  ],
  'a stream that yields an undeclared output': [
    model(`*stream({ x }: Inputs<typeof scaler>) { yield { y: x, z: x }; }`),
    'an output is not in the signature',
  ],
  'a stream that yields what it should not among good ones': [
    model(`*stream({ x }: Inputs<typeof scaler>) { yield { y: x }; yield { y: x.data }; }`),
    'the outputs are not those of the signature',
  ],
  'a stream that returns one set of outputs': [
    model(`async stream({ x }: Inputs<typeof scaler>) { return { y: x }; }`),
    'stream must be a generator of outputs',
  ],
  'a stream that takes an input that the signature does not have': [
    model(`*stream({ z }: { z: X }) { yield { y: z }; }`),
    'stream takes inputs that the signature does not give',
  ],
} as const;

/** What does not compile where a pool is asked for. */
const NOT_POOLED = {
  'a constructor that injects': [
    pooled(`constructor(readonly client: ModelClient) {}
      infer({ x }: Inputs<typeof scaler>) { return { y: x }; }`),
    'the constructor of a pooled model takes nothing: move the dependency into load(), or drop the pool',
  ],
  'a constructor that may inject': [
    pooled(`constructor(readonly client?: ModelClient) {}
      infer({ x }: Inputs<typeof scaler>) { return { y: x }; }`),
    'the constructor of a pooled model takes nothing',
  ],
  'a missing output': [
    pooled(`infer({ x }: Inputs<typeof scaler>) { void x; return {}; }`),
    'the outputs are not those of the signature',
  ],
} as const;

/** What does not compile where requests are merged. */
const NOT_BATCHED = {
  'an infer that wants the context of one request': [
    batched(`infer({ x }: Inputs<typeof scaler>, { id }: InferContext) { void id; return { y: x }; }`),
    'or another context than its options ask for',
  ],
  'a stream': [
    batched(`*stream({ x }: Inputs<typeof scaler>) { yield { y: x }; }`),
    'a model that streams can be neither batched nor sequenced',
  ],
} as const;

/** What does not compile for a reason of its own line. */
const MISTAKES = {
  'an unknown input, destructured': [
    model(`infer({ x, z }: Inputs<typeof scaler>) { return { y: x ?? z }; }`),
    "Property 'z' does not exist on type",
  ],
  'an optional input used unchecked': [
    model(`infer({ x, factor }: Inputs<typeof scaler>) { return { y: x.map(() => factor.data.length) }; }`),
    "'factor' is possibly 'undefined'",
  ],
  'a value of another class in a map': [
    model(`infer({ x }: Inputs<typeof scaler>) { return { y: x.map(() => 1n) }; }`),
    "Type 'bigint' is not assignable to type 'number'",
  ],
  'a call of a model with an input of another datatype': [
    `export const call = (x: Tensor<'INT32'>) => models.infer({ name: 'scaler', signature: scaler }, { x });`,
    'No overload matches this call',
  ],
  'an undeclared output of a call': [
    `export const call = async (x: X) => (await models.infer({ name: 'scaler', signature: scaler }, { x })).z;`,
    "Property 'z' does not exist on type",
  ],
} as const;

const findings = compileSnippets(
  'src/core/model',
  Object.fromEntries(
    [
      ...Object.entries(GOOD),
      ...Object.entries({ ...MISFITS, ...MISTAKES }).map(([name, [source]]) => [name, source] as const),
      ...Object.entries(NOT_POOLED).map(([name, [source]]) => [`pooled: ${name}`, source] as const),
      ...Object.entries(NOT_BATCHED).map(([name, [source]]) => [`batched: ${name}`, source] as const),
    ].map(([name, source]) => [name, PRELUDE + source]),
  ),
);

describe('a model compiles', () => {
  it.each(Object.keys(GOOD))('as %s', (name) => {
    expect(findings[name]).toEqual([]);
  });
});

describe('the compiler refuses at the decorator', () => {
  it.each(Object.entries(MISFITS))('%s', (name, [, message]) => {
    expect(findings[name]).toEqual([
      { line: "@Model('scaler', scaler)", message: expect.stringContaining(message) as unknown },
    ]);
  });
});

describe('the compiler refuses at the decorator of a pooled model', () => {
  it.each(Object.entries(NOT_POOLED))('%s', (name, [, message]) => {
    expect(findings[`pooled: ${name}`]).toEqual([
      {
        line: expect.stringContaining('workerThreads(') as unknown,
        message: expect.stringContaining(message) as unknown,
      },
    ]);
  });
});

describe('the compiler refuses at the decorator of a batched model', () => {
  it.each(Object.entries(NOT_BATCHED))('%s', (name, [, message]) => {
    expect(findings[`batched: ${name}`]).toEqual([
      {
        line: expect.stringContaining('batching:') as unknown,
        message: expect.stringContaining(message) as unknown,
      },
    ]);
  });
});

describe('the compiler refuses at the line', () => {
  it.each(Object.entries(MISTAKES))('%s', (name, [source, message]) => {
    const line = source.split('\n').find((text) => /infer\(|infer =/.test(text));
    expect(findings[name]).toContainEqual({
      line: line?.trim(),
      message: expect.stringContaining(message) as unknown,
    });
  });
});
