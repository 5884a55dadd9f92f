import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModuleMetadata, Provider, Type } from '@nestjs/common';
import { createApp, type InferenceServer } from '../bootstrap.js';
import { ModelClient } from '../core/model/model-client.js';
import { type RegisteredRoute, registeredRoutes } from '../protocol/rest/rest-server.js';
import type { ModelClass } from './define-model.js';
import { GrpcClient } from './grpc-client.js';
import { RestClient } from './rest-client.js';

export interface ServeOptions {
  /** Keys of the configuration. Default: free ports, an empty model repository, errors alone in the log. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What both clients send with every call, credentials for one: headers of REST, metadata of gRPC. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What the models inject. */
  readonly providers?: readonly Provider[];
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  /** The modules of the protocol's extensions. Default: those of the server. */
  readonly extensions?: readonly Type[];
  /** Whether to return before the models are loaded, and whether or not they can be. Default: false. */
  readonly unready?: boolean;
}

/** A whole server on free ports, with a client for each wire. Closes with `await using`, or by `close()`. */
export class TestServer implements AsyncDisposable {
  readonly rest: RestClient;
  readonly grpc: GrpcClient;

  constructor(
    private readonly server: InferenceServer,
    /** Where the server listens. */
    readonly addresses: { readonly http: string; readonly grpc: string },
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.rest = new RestClient(addresses.http, headers);
    this.grpc = new GrpcClient(addresses.grpc, headers);
  }

  /** Calls models past the wires. */
  get models(): ModelClient {
    return this.get(ModelClient);
  }

  /** The paths of the gRPC methods that have a handler. */
  get rpcs(): readonly string[] {
    return this.server.grpc.paths;
  }

  /** The routes of the REST server, whoever registered them. */
  get routes(): readonly RegisteredRoute[] {
    return registeredRoutes(this.server.app);
  }

  /** A provider of the application. */
  get<T>(token: Type<T> | (abstract new (...args: never[]) => T)): T {
    return this.server.app.get<T>(token, { strict: false });
  }

  /** Resolves when the models of the start have been loaded, or have failed: with the first failure, if any. */
  async settled(): Promise<string | undefined> {
    for (const { name, version, state } of await this.server.settled()) {
      if (state.kind === 'unavailable') return `model '${name}' version ${version} is unavailable: ${state.reason}`;
    }
    return undefined;
  }

  async close(): Promise<void> {
    await this.server.app.close();
    this.grpc.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const DEFAULTS = {
  HTTP_PORT: '0',
  GRPC_PORT: '0',
  LOG_LEVEL: 'error',
  AUDIT_LOG: 'off',
  MODEL_REPOSITORY: join(tmpdir(), 'no-model-repository'),
  ALLOW_EMPTY_REPOSITORY: 'true',
};

/**
 * Serves models on free ports, through the same wiring as the server itself. Throws the reason when one of them
 * cannot be loaded.
 *
 * @example
 * await using server = await serve(DoublerModel);
 * await server.rest.infer('doubler', { x: [1, 2, 3] }); // { y: [2, 4, 6] }
 */
export async function serve(
  models: ModelClass | readonly ModelClass[] = [],
  { environment = {}, headers = {}, providers = [], imports = [], extensions, unready = false }: ServeOptions = {},
): Promise<TestServer> {
  const classes = typeof models === 'function' ? [models] : models;
  const module = { module: ServedModels, imports, providers: [...classes, ...providers] };
  const server = await createApp({
    environment: { ...DEFAULTS, ...environment },
    models: [module],
    ...(extensions && { extensions }),
  });
  const test = new TestServer(server, await server.listen(), headers);
  if (unready) return test;
  const failure = await test.settled();
  if (failure === undefined) return test;
  await test.close();
  throw new Error(failure);
}

/** The module of the models under test. */
class ServedModels {}
