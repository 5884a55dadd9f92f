import {
  type ChannelCredentials,
  Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { isDatatype } from '../core/tensor/datatype.js';
import { decodeRaw, encodeRaw } from '../core/tensor/raw.js';
import { loadContracts } from '../protocol/grpc/contracts.js';
import type { ModelInferRequest } from '../protocol/grpc/messages.js';
import { type PlainTensor, type PlainTensors, toPlain, toTensor } from './plain-tensors.js';

/** The services as clients see them, by their names on the wire. */
export type ServiceName =
  | 'inference.GRPCInferenceService'
  | 'inference.GrpcInferenceService'
  | 'inference.model_repository.ModelRepositoryService'
  | 'grpc.health.v1.Health';

export interface GrpcOptions {
  readonly service?: ServiceName;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Milliseconds from now. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

interface InferReply {
  readonly outputs?: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape?: readonly string[];
  }[];
  readonly raw_output_contents?: readonly Buffer[];
}

const definition = loadContracts();

/** Talks gRPC to a server under test, by a real client over the project's own contracts. */
export class GrpcClient {
  private readonly clients = new Map<string, Client>();

  constructor(
    /** Host and port. */
    readonly address: string,
    private readonly metadata: Readonly<Record<string, string>> = {},
    private readonly channel: ChannelCredentials = credentials.createInsecure(),
  ) {}

  /** Calls a unary rpc. Rejects with grpc-js's `ServiceError`. */
  call<R = Record<string, unknown>>(method: string, message: object = {}, options: GrpcOptions = {}): Promise<R> {
    const { service = 'inference.GRPCInferenceService', deadlineMs, signal } = options;
    const { path, requestSerialize, responseDeserialize } = this.method(service, method);
    return new Promise<R>((resolve, reject) => {
      const call = this.client(service).makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        this.toMetadata(options.metadata),
        deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs },
        (error: ServiceError | null, reply: unknown) => (error === null ? resolve(reply as R) : reject(error)),
      );
      signal?.addEventListener('abort', () => call.cancel(), { once: true });
    });
  }

  /** Opens a server-streaming rpc. */
  stream(method: string, message: object, options: GrpcOptions = {}) {
    const { service = 'inference.GRPCInferenceService' } = options;
    const { path, requestSerialize, responseDeserialize } = this.method(service, method);
    const metadata = this.toMetadata(options.metadata);
    return this.client(service).makeServerStreamRequest(path, requestSerialize, responseDeserialize, message, metadata);
  }

  /** Opens a stream both ways. */
  duplex(method: string, options: GrpcOptions = {}) {
    const { service = 'inference.GRPCInferenceService', deadlineMs } = options;
    const { path, requestSerialize, responseDeserialize } = this.method(service, method);
    const metadata = this.toMetadata(options.metadata);
    const deadline = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
    return this.client(service).makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, deadline);
  }

  /** Runs a model on nested arrays, whose datatypes come from its metadata. */
  async infer(model: string, inputs: PlainTensors): Promise<Record<string, PlainTensor>> {
    const metadata = await this.call<{ inputs?: { name: string; datatype: string }[] }>('ModelMetadata', {
      name: model,
    });
    const datatypes = new Map(metadata.inputs?.map(({ name, datatype }) => [name, datatype]));
    const tensors = Object.entries(inputs).map(
      ([name, plain]) => [name, toTensor(datatypes.get(name) ?? 'FP32', plain, name)] as const,
    );
    const request: ModelInferRequest = {
      model_name: model,
      inputs: tensors.map(([name, { datatype, shape }]) => ({ name, datatype, shape: shape.map(String) })),
      raw_input_contents: tensors.map(([, tensor]) => Buffer.from(encodeRaw(tensor))),
    };
    return plainOutputs(await this.call<InferReply>('ModelInfer', request));
  }

  close(): void {
    for (const client of this.clients.values()) client.close();
  }

  private client(service: ServiceName): Client {
    const known = this.clients.get(service);
    if (known !== undefined) return known;
    const limits = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };
    const client = new Client(this.address, this.channel, limits);
    this.clients.set(service, client);
    return client;
  }

  private method(service: ServiceName, method: string) {
    const found = services[service]?.service[method];
    if (found === undefined) throw new TypeError(`${service} has no rpc ${method}`);
    return found;
  }

  private toMetadata(own: Readonly<Record<string, string>> = {}): Metadata {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries({ ...this.metadata, ...own })) metadata.set(key, value);
    return metadata;
  }
}

const packages = loadPackageDefinition(definition) as unknown as {
  inference: Record<'GRPCInferenceService' | 'GrpcInferenceService', ServiceClientConstructor> & {
    model_repository: { ModelRepositoryService: ServiceClientConstructor };
  };
  grpc: { health: { v1: { Health: ServiceClientConstructor } } };
};

const services: Readonly<Record<ServiceName, ServiceClientConstructor>> = {
  'inference.GRPCInferenceService': packages.inference.GRPCInferenceService,
  'inference.GrpcInferenceService': packages.inference.GrpcInferenceService,
  'inference.model_repository.ModelRepositoryService': packages.inference.model_repository.ModelRepositoryService,
  'grpc.health.v1.Health': packages.grpc.health.v1.Health,
};

function plainOutputs({ outputs = [], raw_output_contents = [] }: InferReply): Record<string, PlainTensor> {
  const entries = outputs.map(({ name, datatype, shape = [] }, index) => {
    if (!isDatatype(datatype)) throw new TypeError(`output '${name}' has no known datatype: ${datatype}`);
    const bytes = raw_output_contents[index] ?? Buffer.alloc(0);
    const tensor = decodeRaw(datatype, shape.map(Number), bytes, { input: name, model: 'the reply' });
    return [name, toPlain(tensor, name)] as const;
  });
  return Object.fromEntries(entries);
}
