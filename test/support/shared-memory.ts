import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import type { TestServer } from '#testing';
import { type Answer, answerOfGrpc, answerOfRest, inferPath, type Wire } from './wires.js';

/** Whether this machine has POSIX shared memory as files. */
export const HAS_SHM = existsSync('/dev/shm');

/** An object of shared memory that a test makes, as a client does. */
export class ShmObject implements Disposable {
  readonly key = `/test-${randomUUID()}`;
  readonly path = `/dev/shm${this.key}`;

  constructor(contents: Uint8Array | number) {
    writeFileSync(this.path, typeof contents === 'number' ? new Uint8Array(contents) : contents);
  }

  get bytes(): Buffer {
    return readFileSync(this.path);
  }

  truncate(byteSize: number): void {
    truncateSync(this.path, byteSize);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { force: true });
  }
}

export interface SentRegion {
  readonly name: string;
  readonly key: string;
  readonly offset?: number | bigint;
  readonly byteSize: number | bigint;
}

/** Where a tensor is: its parameters as they are. */
export interface SentPlace {
  readonly region?: unknown;
  readonly byteSize?: unknown;
  readonly offset?: unknown;
}

export interface SharedInference {
  readonly model: string;
  readonly inputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly at?: SentPlace;
    /** Values in the message, instead or besides. */
    readonly data?: readonly number[];
    readonly raw?: Buffer;
  }[];
  readonly outputs?: readonly { readonly name: string; readonly at?: SentPlace; readonly classification?: number }[];
}

type Headers = Readonly<Record<string, string>>;

interface SharedMemoryCalls {
  register(server: TestServer, region: SentRegion, headers?: Headers): Promise<Answer>;
  unregister(server: TestServer, name?: string, headers?: Headers): Promise<Answer>;
  /** The regions that the server tells of. */
  status(server: TestServer, name?: string, headers?: Headers): Promise<Answer & { readonly regions: unknown[] }>;
  infer(server: TestServer, request: SharedInference, headers?: Headers): Promise<Answer>;
}

const segment = (name: string): string => (name === '' ? '' : `/region/${encodeURIComponent(name)}`);

/** The calls about system shared memory, and inferences that use it, over either wire. */
export const sharedMemoryOver: Readonly<Record<Wire, SharedMemoryCalls>> = {
  grpc: {
    register: ({ grpc }, { name, key, offset = 0, byteSize }, metadata = {}) => {
      const message = { name, key, offset: String(offset), byte_size: String(byteSize) };
      return answerOfGrpc(grpc.call('SystemSharedMemoryRegister', message, { metadata }));
    },
    unregister: ({ grpc }, name = '', metadata = {}) =>
      answerOfGrpc(grpc.call('SystemSharedMemoryUnregister', { name }, { metadata })),
    async status({ grpc }, name = '', metadata = {}) {
      const answer = await answerOfGrpc(grpc.call('SystemSharedMemoryStatus', { name }, { metadata }));
      const { regions = {} } = (answer.reply ?? {}) as { regions?: Record<string, Record<string, string>> };
      const listed = Object.entries(regions).map(([, { offset = '0', byte_size, ...region }]) => {
        return { ...region, offset: Number(offset), byte_size: Number(byte_size) };
      });
      return { ...answer, regions: listed };
    },
    infer: ({ grpc }, request, metadata = {}) =>
      answerOfGrpc(grpc.call('ModelInfer', toMessage(request), { metadata })),
  },
  rest: {
    async register({ rest }, { name, key, offset, byteSize: byte_size }, headers = {}) {
      const path = `/v2/systemsharedmemory${segment(name)}/register`;
      return answerOfRest(await rest.post(path, { key, offset, byte_size }, headers));
    },
    async unregister({ rest }, name = '', headers = {}) {
      return answerOfRest(await rest.post(`/v2/systemsharedmemory${segment(name)}/unregister`, '', headers));
    },
    async status({ rest }, name = '', headers = {}) {
      const reply = await rest.get(`/v2/systemsharedmemory${segment(name)}/status`, headers);
      return { ...answerOfRest(reply), regions: Array.isArray(reply.json) ? reply.json : [] };
    },
    async infer({ rest }, request, headers = {}) {
      const blobs = request.inputs.flatMap(({ raw }) => raw ?? []);
      const json = Buffer.from(JSON.stringify(toBody(request)));
      const own = blobs.length === 0 ? {} : { 'inference-header-content-length': String(json.length) };
      const body = Buffer.concat([json, ...blobs]);
      return answerOfRest(await rest.post(inferPath(request.model), body, { ...own, ...headers }));
    },
  },
};

const parametersOf = ({ region, byteSize, offset }: SentPlace): Record<string, unknown> => ({
  ...(region === undefined ? {} : { shared_memory_region: region }),
  ...(byteSize === undefined ? {} : { shared_memory_byte_size: byteSize }),
  ...(offset === undefined ? {} : { shared_memory_offset: offset }),
});

function toBody({ inputs, outputs = [] }: SharedInference): object {
  return {
    inputs: inputs.map(({ name, datatype, shape, at, data, raw }) => {
      const size = raw === undefined ? {} : { binary_data_size: raw.length };
      return { name, datatype, shape, parameters: { ...size, ...parametersOf(at ?? {}) }, data };
    }),
    outputs: outputs.map(({ name, at, classification }) => {
      return { name, parameters: { binary_data: false, classification, ...parametersOf(at ?? {}) } };
    }),
  };
}

/** A ModelInferRequest as the client's library takes it. */
export function toMessage({ model: model_name, inputs, outputs = [] }: SharedInference): object {
  return {
    model_name,
    inputs: inputs.map(({ name, datatype, shape, at, data }) => ({
      name,
      datatype,
      shape: shape.map(String),
      parameters: toParameters(parametersOf(at ?? {})),
      ...(data === undefined ? {} : { contents: { int_contents: data } }),
    })),
    outputs: outputs.map(({ name, at, classification }) => ({
      name,
      parameters: toParameters({
        ...(classification === undefined ? {} : { classification }),
        ...parametersOf(at ?? {}),
      }),
    })),
    raw_input_contents: inputs.flatMap(({ raw }) => raw ?? []),
  };
}

const toParameters = (parameters: Record<string, unknown>): object =>
  Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, toParameter(value)]));

function toParameter(value: unknown): object {
  if (typeof value === 'string') return { string_param: value };
  if (typeof value === 'boolean') return { bool_param: value };
  return Number.isInteger(value) ? { int64_param: String(value) } : { double_param: value };
}
