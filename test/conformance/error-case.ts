import {
  type Answer,
  inferPath,
  post,
  rpc,
  type Send,
  type SentInference,
  type SentTensor,
  type Wire,
} from '../support/wires.js';

/** What a case of a failure is, and what the cases send. */

/** The servers that the cases run against. */
export type ServerKind = 'explicit' | 'uncontrolled' | 'empty' | 'small';

/** The most bytes that the small server takes. */
export const SMALL_LIMIT = 4_000;

export interface ErrorCase {
  /** The number of the failure in section 2.2 of the reference. */
  readonly row: number;
  readonly what: string;
  /** Default: `explicit`. */
  readonly on?: ServerKind;
  readonly send: Readonly<Partial<Record<Wire, Send>>>;
  /** The gRPC status; absent where the case does not apply to the wire. */
  readonly grpc?: string;
  /** The HTTP status; absent where the case does not apply to the wire. */
  readonly rest?: number;
  /** The whole text, or what it must match. */
  readonly message: string | RegExp | Readonly<Record<Wire, string | RegExp>>;
}

/** The title of a case in the reports. */
export const titleOf = ({ row, what }: ErrorCase): string => `2.2 row ${row}: ${what}`;

export const REFUSED = { grpc: 'INVALID_ARGUMENT', rest: 400 } as const;
export const UNKNOWN = { grpc: 'NOT_FOUND', rest: 404 } as const;
export const UNREADY = { grpc: 'UNAVAILABLE', rest: 503 } as const;
export const UNSERVED = { grpc: 'UNIMPLEMENTED', rest: 501 } as const;
export const FAILED = { grpc: 'INTERNAL', rest: 500 } as const;
export const FINE = { grpc: 'OK', rest: 200, message: '' } as const;

export const vector = (tensor: Partial<SentTensor> = {}, rest: Partial<SentInference> = {}): SentInference => ({
  model: 'vector',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [2], data: [1, 2], ...tensor }],
  ...rest,
});

export const zeros = (name: string, tensor: Partial<SentTensor> = {}): SentTensor => ({
  name,
  datatype: 'INT32',
  shape: [1, 16],
  data: Array.from<number>({ length: 16 }).fill(0),
  ...tensor,
});

export const simple = (first: Partial<SentTensor> = {}, rest: Partial<SentInference> = {}): SentInference => ({
  model: 'simple',
  inputs: [zeros('INPUT0', first), zeros('INPUT1')],
  ...rest,
});

export const pair = (name: string): SentTensor => ({ name, datatype: 'INT32', shape: [2], data: [1, 2] });

/** Rows of two numbers each. */
export const rowsOf = (name: string, rows: number): SentTensor => ({
  name,
  datatype: 'INT32',
  shape: [rows, 2],
  data: Array<number>(2 * rows).fill(1),
});

/** A body for the model `vector`, from the text of its only input's fields. */
export const vectorBody = (fields: string): string => `{"inputs":[{"name":"x","datatype":"FP32",${fields}}]}`;
export const vectorPath = inferPath('vector');

export const load = (name: string, parameters?: object, grpcParameters?: object): Readonly<Record<Wire, Send>> => ({
  grpc: rpc('RepositoryModelLoad', { model_name: name, parameters: grpcParameters }),
  rest: post(
    `/v2/repository/models/${encodeURIComponent(name)}/load`,
    parameters === undefined ? '' : JSON.stringify({ parameters }),
  ),
});

export const unload = (name: string, parameters?: object, grpcParameters?: object): Readonly<Record<Wire, Send>> => ({
  grpc: rpc('RepositoryModelUnload', { model_name: name, parameters: grpcParameters }),
  rest: post(
    `/v2/repository/models/${encodeURIComponent(name)}/unload`,
    parameters === undefined ? '' : JSON.stringify({ parameters }),
  ),
});

/** What a sender asserts of a success becomes the answer's message when it does not hold. */
export const holds =
  (send: Send, check: (reply: unknown) => boolean): Send =>
  async (server): Promise<Answer> => {
    const answer = await send(server);
    return check(answer.reply) ? answer : { ...answer, message: `unexpected reply ${JSON.stringify(answer.reply)}` };
  };

export const isFalse =
  (field: string) =>
  (reply: unknown): boolean =>
    // A false flag is no field at all on the gRPC wire.
    ((reply as Record<string, unknown>)[field] ?? false) === false;

export const nested = (depth: number): string => `${'['.repeat(depth)}1,1${']'.repeat(depth)}`;

/** A shape as gRPC clients send it: 64-bit integers are texts there. */
export const TWO_60 = 2n ** 60n;
