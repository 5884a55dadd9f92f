/** A JSON schema, as OpenAPI 3.1 takes it; named ones may stand anywhere in it. */
export type Schema = NamedSchema | PlainSchema;

export interface PlainSchema {
  readonly [keyword: string]: unknown;
}

/** A schema that a document holds once, under its name. */
export class NamedSchema {
  constructor(
    readonly name: string,
    readonly schema: PlainSchema,
  ) {}
}

export const TEXT: PlainSchema = { type: 'string' };
export const FLAG: PlainSchema = { type: 'boolean' };
export const COUNT: PlainSchema = { type: 'integer', minimum: 0 };

export const listOf = (items: Schema): PlainSchema => ({ type: 'array', items });

export const mapOf = (values: Schema): PlainSchema => ({ type: 'object', additionalProperties: values });

/** All fields are required but those that are named behind them. */
export const objectOf = (fields: Readonly<Record<string, Schema>>, ...optional: readonly string[]): PlainSchema => ({
  type: 'object',
  properties: fields,
  required: Object.keys(fields).filter((name) => !optional.includes(name)),
});

export const EMPTY: PlainSchema = { type: 'object', additionalProperties: true };
