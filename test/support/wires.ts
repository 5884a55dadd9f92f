import { type ServiceError, status as Status } from '@grpc/grpc-js';
import { DATATYPES, isDatatype, type TypedField } from '../../src/core/tensor/datatype.js';
import type { GrpcOptions, RestReply, TestServer } from '#testing';

/** One inference, written once and sent over either wire. */

export type Wire = 'grpc' | 'rest';
export const WIRES = ['grpc', 'rest'] as const satisfies readonly Wire[];

/** What a call came to: the name of its gRPC status, or the number of its HTTP status. */
export interface Answer {
  readonly status: string | number;
  /** The text of the error; empty for a success. */
  readonly message: string;
  readonly outputs: readonly AnsweredTensor[];
  readonly reply: unknown;
}

export interface AnsweredTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** The values of a JSON reply. */
  readonly data?: readonly unknown[];
  /** The bytes of a raw or binary reply. */
  readonly raw?: Buffer;
}

export type Send = (server: TestServer) => Promise<Answer>;

export interface SentTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly unknown[];
  /** Values: JSON on REST, on gRPC the typed field of the datatype. */
  readonly data?: unknown;
  /** Stands in for `data`: raw contents on gRPC, binary data behind the JSON on REST. */
  readonly raw?: Uint8Array;
  /** `InferTensorContents` as they are. */
  readonly contents?: object;
}

export interface SentInference {
  readonly model: string;
  readonly version?: string;
  readonly id?: string;
  readonly parameters?: Readonly<Record<string, string | boolean | number>>;
  readonly inputs: readonly SentTensor[];
  readonly outputs?: readonly string[];
  /** Whether REST is asked for binary outputs, as gRPC always gives them. */
  readonly binary?: boolean;
}

/** The ways to run an inference, by wire. */
export const inferOver: Readonly<Record<Wire, (server: TestServer, request: SentInference) => Promise<Answer>>> = {
  grpc: (server, request) => answerOfGrpc(server.grpc.call('ModelInfer', toMessage(request))),
  async rest(server, request) {
    const { body, headers } = toBody(request);
    return answerOfRest(await server.rest.post(inferPath(request.model, request.version), body, headers));
  },
};

/** The same inference over both wires. */
export const infer = (request: SentInference): Readonly<Record<Wire, Send>> => ({
  grpc: (server) => inferOver.grpc(server, request),
  rest: (server) => inferOver.rest(server, request),
});

export const rpc =
  (method: string, message: object = {}, options: GrpcOptions = {}): Send =>
  (server) =>
    answerOfGrpc(server.grpc.call(method, message, options));

export const get =
  (path: string): Send =>
  async (server) =>
    answerOfRest(await server.rest.get(path));

export const post =
  (path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Send =>
  async (server) =>
    answerOfRest(await server.rest.post(path, body, headers));

export const inferPath = (model: string, version = ''): string =>
  `/v2/models/${encodeURIComponent(model)}${version === '' ? '' : `/versions/${encodeURIComponent(version)}`}/infer`;

/** The first output of a success, or the error of a failure. */
export function onlyOutput({ status, message, outputs }: Answer): AnsweredTensor {
  const [output] = outputs;
  if (output === undefined || (status !== 'OK' && status !== 200)) throw new Error(`${status}: ${message}`);
  return output;
}

interface GrpcReply {
  readonly outputs?: readonly { name: string; datatype: string; shape?: readonly string[] }[];
  readonly raw_output_contents?: readonly Buffer[];
}

export async function answerOfGrpc(call: Promise<unknown>): Promise<Answer> {
  try {
    const reply = (await call) as GrpcReply;
    const outputs = (reply.outputs ?? []).map(({ name, datatype, shape = [] }, index) => {
      return { name, datatype, shape: shape.map(Number), raw: reply.raw_output_contents?.[index] ?? Buffer.alloc(0) };
    });
    return { status: 'OK', message: '', outputs, reply };
  } catch (thrown) {
    const { code, details } = thrown as ServiceError;
    return { status: Status[code], message: details, outputs: [], reply: undefined };
  }
}

interface JsonReply {
  readonly error?: string;
  readonly outputs?: readonly {
    name: string;
    datatype: string;
    shape: readonly number[];
    data?: readonly unknown[];
    parameters?: { binary_data_size?: number };
  }[];
}

export function answerOfRest({ status, headers, bytes, json }: RestReply): Answer {
  const headerLength = headers.get('inference-header-content-length');
  const reply = (headerLength === null ? json : parse(bytes.subarray(0, Number(headerLength)))) as
    JsonReply | undefined;
  let offset = Number(headerLength ?? 0);
  const outputs = (reply?.outputs ?? []).map(({ name, datatype, shape, data, parameters }) => {
    if (data !== undefined) return { name, datatype, shape, data };
    const start = offset;
    offset += parameters?.binary_data_size ?? 0;
    return { name, datatype, shape, raw: bytes.subarray(start, offset) };
  });
  return { status, message: reply?.error ?? '', outputs, reply };
}

const parse = (bytes: Buffer): unknown => JSON.parse(bytes.toString('utf8'));

/** The request as a `ModelInferRequest`. */
export function toMessage({ model, version = '', id = '', parameters = {}, inputs, outputs = [] }: SentInference) {
  const raw = inputs.flatMap((input) => (input.raw === undefined ? [] : [input.raw]));
  return {
    model_name: model,
    model_version: version,
    id,
    parameters: Object.fromEntries(Object.entries(parameters).map(([key, value]) => [key, toParameter(value)])),
    inputs: inputs.map(({ name, datatype, shape, data, raw: bytes, contents }) => {
      const typed = contents ?? (bytes === undefined ? toContents(datatype, data) : undefined);
      return { name, datatype, shape: shape.map(String), ...(typed === undefined ? {} : { contents: typed }) };
    }),
    outputs: outputs.map((name) => ({ name })),
    raw_input_contents: raw,
  };
}

function toParameter(value: string | boolean | number): object {
  if (typeof value === 'number') return { int64_param: String(value) };
  return typeof value === 'string' ? { string_param: value } : { bool_param: value };
}

function toContents(datatype: string, data: unknown): object | undefined {
  if (data === undefined) return undefined;
  const field: TypedField = (isDatatype(datatype) ? DATATYPES[datatype].field : undefined) ?? 'fp32_contents';
  const values = [data].flat(Infinity);
  const sent = values.map((value) =>
    typeof value === 'bigint'
      ? value.toString()
      : field === 'bytes_contents'
        ? Buffer.from(String(value as string | number))
        : value,
  );
  return { [field]: sent };
}

/** The request as the body of a POST, with the header that a binary one needs. */
export function toBody(request: SentInference): { body: unknown; headers: Record<string, string> } {
  const { id, parameters = {}, inputs, outputs = [], binary = false } = request;
  const blobs = inputs.flatMap(({ raw }) => (raw === undefined ? [] : [raw]));
  const json = {
    id,
    parameters: { ...parameters, ...(binary && outputs.length === 0 ? { binary_data_output: true } : {}) },
    inputs: inputs.map(({ name, datatype, shape, data, raw }) => {
      const contents = raw === undefined ? { data } : { parameters: { binary_data_size: raw.byteLength } };
      return { name, datatype, shape, ...contents };
    }),
    outputs: outputs.map((name) => ({ name, ...(binary ? { parameters: { binary_data: true } } : {}) })),
  };
  if (blobs.length === 0) return { body: json, headers: {} };
  const header = Buffer.from(withBigInts(json));
  return {
    body: Buffer.concat([header, ...blobs]),
    headers: { 'inference-header-content-length': String(header.byteLength) },
  };
}

/** JSON with bigints written as the integers that they are. */
function withBigInts(value: unknown): string {
  const marked = JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `bigint ${item}` : item));
  return marked.replaceAll(/"bigint (-?\d+)"/g, '$1');
}
