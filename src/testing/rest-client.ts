import { parseJsonExactly } from '../core/json/parse-json.js';
import type { Shape } from '../core/tensor/shape.js';
import { nest, type PlainTensor, type PlainTensors, type PlainValue, shapeOf } from './plain-tensors.js';

/** An answer of the REST server. */
export interface RestReply {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  /** The body as JSON, with integers beyond 2^53 as bigints; `undefined` for a body that is none. */
  readonly json: unknown;
}

interface WithHeaders {
  readonly headers?: Readonly<Record<string, string>>;
}

interface RestTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: Shape;
  readonly data: readonly PlainValue[];
}

/** Talks REST to a server under test. */
export class RestClient {
  constructor(
    /** The base URL, without a slash at its end. */
    readonly url: string,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<RestReply> {
    return this.send(path, { headers });
  }

  /** Posts JSON, or a body as it is. */
  async post(path: string, body: unknown = '', headers: Readonly<Record<string, string>> = {}): Promise<RestReply> {
    const sent = typeof body === 'string' || body instanceof Uint8Array ? body : toJson(body);
    return this.send(path, { method: 'POST', headers, body: sent as NonNullable<RequestInit['body']> });
  }

  async send(path: string, init: Omit<RequestInit, 'headers'> & WithHeaders): Promise<RestReply> {
    const reply = await fetch(this.url + path, { ...init, headers: { ...this.headers, ...init.headers } });
    const bytes = Buffer.from(await reply.arrayBuffer());
    return { status: reply.status, headers: reply.headers, bytes, json: jsonOf(bytes) };
  }

  /** Runs a model on nested arrays, whose datatypes come from its metadata. Throws with the server's error. */
  async infer(model: string, inputs: PlainTensors): Promise<Record<string, PlainTensor>> {
    const path = `/v2/models/${encodeURIComponent(model)}`;
    const metadata = await this.expectOk(this.get(path));
    const datatypes = new Map(
      (metadata as { inputs: RestTensor[] }).inputs.map(({ name, datatype }) => [name, datatype]),
    );
    const tensors = Object.entries(inputs).map(([name, data]) => {
      return { name, datatype: datatypes.get(name) ?? 'FP32', shape: shapeOf(data), data };
    });
    const response = await this.expectOk(this.post(`${path}/infer`, { inputs: tensors }));
    const { outputs } = response as { outputs: RestTensor[] };
    return Object.fromEntries(outputs.map(({ name, data, shape }) => [name, nest(data, shape)]));
  }

  private async expectOk(pending: Promise<RestReply>): Promise<unknown> {
    const { status, json, bytes } = await pending;
    if (status === 200) return json;
    throw new Error(`${status}: ${(json as { error?: string } | undefined)?.error ?? bytes.toString('utf8')}`);
  }
}

/** JSON with bigints written as the integers that they are. */
function toJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${toJson(item)}`).join(',')}}`;
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return parseJsonExactly(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
