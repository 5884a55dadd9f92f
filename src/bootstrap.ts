import 'reflect-metadata';
import { isIPv6 } from 'node:net';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AuthenticationPolicy } from './admission/authentication/authentication-policy.js';
import { AppModule, type AppModuleOptions, SECTIONS } from './app.module.js';
import { Configuration, type ConfigurationOptions } from './config/configuration.js';
import { FileWatcher } from './config/file-watcher.js';
import { ModelRegistry, type ModelVersion } from './engine/registry/model-registry.js';
import { loadReflection } from './extensions/reflection/load-reflection.js';
import { LogConfig } from './observability/log.config.js';
import { StructuredLogger } from './observability/structured-logger.js';
import { ActiveCalls } from './protocol/call/active-calls.js';
import { CallAuthenticator } from './protocol/call/call-authenticator.js';
import { CallObserver } from './protocol/call/call-observer.js';
import { CallConfig } from './protocol/call/call.config.js';
import { HeaderForwarding } from './protocol/call/header-forwarding.js';
import { Overload } from './protocol/call/overload.js';
import { GrpcConfig } from './protocol/grpc/grpc.config.js';
import { GrpcServer } from './protocol/grpc/server/grpc-server.js';
import { findPublicRpcs } from './protocol/grpc/server/public-rpcs.js';
import { REQUEST_ID_HEADER } from './protocol/call/request-id.js';
import { BrowserConfig } from './protocol/rest/server/browser.config.js';
import { RestConfig } from './protocol/rest/rest.config.js';
import { ConnectionsConfig } from './protocol/rest/server/connections.config.js';
import { configureRest, createRestAdapter } from './protocol/rest/rest-server.js';
import { assertStaticControllers } from './protocol/static-controllers.js';
import { TlsConfig } from './protocol/tls/tls.config.js';
import { TlsListeners } from './protocol/tls/tls-listeners.js';
import { StartupLoader } from './repository/loading/startup-loader.js';

/** A server whose modules are wired; {@link InferenceServer.listen} opens its ports. */
export interface InferenceServer {
  readonly app: NestFastifyApplication;
  readonly grpc: GrpcServer;
  /** How long running calls may take to finish when the server ends, in milliseconds. */
  readonly drainMs: number;
  /** The largest message or body, in bytes, over either wire. */
  readonly maxMessageBytes: number;
  /** Opens both ports and starts to load the models. Throws with one clear line when a port is taken. */
  listen(): Promise<Addresses>;
  /** Waits until the models of the start have come up or failed; answers with all versions of all models. */
  settled(): Promise<readonly ModelVersion[]>;
}

export interface Addresses {
  /** The base URL of the REST server, without a slash at its end. */
  readonly http: string;
  /** Host and port of the gRPC server. */
  readonly grpc: string;
}

export interface AppOptions extends ConfigurationOptions, Pick<AppModuleOptions, 'models' | 'extensions'> {}

/** Wires the hybrid application, the same for `main.ts` and for every test. */
export async function createApp({ environment, ...options }: AppOptions = {}): Promise<InferenceServer> {
  const configuration = await Configuration.read(SECTIONS, { environment });
  const rest = configuration.get(RestConfig);
  const { GRPC_HOST, GRPC_PORT, STREAM_STALL_MS: streamStallMs, ...grpcConfig } = configuration.get(GrpcConfig);
  const callConfig = configuration.get(CallConfig);
  const connections = configuration.get(ConnectionsConfig);
  const { MAX_MESSAGE_BYTES: maxMessageBytes, REQUEST_TIMEOUT_MS: requestTimeoutMs } = callConfig;
  const forwarding = {
    rest: HeaderForwarding.read('HTTP_HEADER_FORWARD_PATTERN', rest.HTTP_HEADER_FORWARD_PATTERN),
    grpc: HeaderForwarding.read('GRPC_HEADER_FORWARD_PATTERN', grpcConfig.GRPC_HEADER_FORWARD_PATTERN),
  };
  const tls = TlsListeners.read(configuration.get(TlsConfig));
  const module = AppModule.forRoot({ configuration, ...options });
  const app = await NestFactory.create<NestFastifyApplication>(module, createRestAdapter(connections, tls?.rest), {
    abortOnError: false,
    bodyParser: false,
    logger: new StructuredLogger(configuration.get(LogConfig)),
  });
  // The one that can be set while the server runs.
  app.useLogger(app.get(StructuredLogger));
  assertStaticControllers(app.get(ModulesContainer));
  app.get(AuthenticationPolicy).assertSafeAddress([rest.HTTP_HOST, GRPC_HOST]);
  const parts = {
    authenticator: app.get(CallAuthenticator),
    observer: app.get(CallObserver),
    calls: app.get(ActiveCalls),
    overload: app.get(Overload, { strict: false }),
    maxMessageBytes,
    requestTimeoutMs,
  };
  configureRest(app, {
    ...parts,
    forwarding: forwarding.rest,
    sendTimeoutMs: connections.REST_SEND_TIMEOUT_MS,
  });
  configureBrowsers(app, configuration.get(BrowserConfig));
  tls?.follow(app.get(FileWatcher), app.getHttpServer());
  const grpc = new GrpcServer({
    ...parts,
    address: hostAndPort(GRPC_HOST, GRPC_PORT),
    streamStallMs,
    forwarding: forwarding.grpc,
    streamDialect: grpcConfig.STREAM_DIALECT,
    outputContents: grpcConfig.GRPC_OUTPUT_CONTENTS,
    maxConcurrentStreams: grpcConfig.GRPC_MAX_CONCURRENT_STREAMS,
    maxConnectionAgeMs: grpcConfig.GRPC_MAX_CONNECTION_AGE_MS,
    credentials: tls?.grpc,
    publicRpcs: findPublicRpcs(app.get(ModulesContainer)),
    reflection: grpcConfig.GRPC_REFLECTION ? (await loadReflection()).contracts : undefined,
  });
  // Without the inheritance, guards and filters would not run for gRPC calls.
  app.connectMicroservice({ strategy: grpc }, { inheritAppConfig: true });

  const listen = async (): Promise<Addresses> => {
    try {
      await app.init();
      await opened(app.startAllMicroservices(), 'gRPC', GRPC_HOST, 'GRPC_PORT', GRPC_PORT);
      await opened(openRest(app, rest), 'REST', rest.HTTP_HOST, 'HTTP_PORT', rest.HTTP_PORT);
    } catch (failure) {
      await app.close();
      throw failure;
    }
    const httpPort = (app.getHttpServer().address() as { port: number }).port;
    return {
      http: `${tls === undefined ? 'http' : 'https'}://${hostAndPort(rest.HTTP_HOST, httpPort)}`,
      grpc: hostAndPort(GRPC_HOST, grpc.port),
    };
  };
  const settled = async (): Promise<readonly ModelVersion[]> => {
    await app.get(StartupLoader, { strict: false }).settled();
    const registry = app.get(ModelRegistry, { strict: false });
    return registry
      .names()
      .sort()
      .flatMap((name) => registry.versionsOf(name) ?? []);
  };
  return { app, grpc, drainMs: callConfig.SHUTDOWN_DRAIN_MS, maxMessageBytes, listen, settled };
}

/** Credentials are never taken from cookies, so an origin is only told that its pages may read the replies. */
function configureBrowsers(app: NestFastifyApplication, { SECURITY_HEADERS, CORS_ORIGINS }: BrowserConfig): void {
  if (SECURITY_HEADERS) app.useSecurityHeaders();
  if (CORS_ORIGINS.length === 0) return;
  const origin = CORS_ORIGINS.includes('*') ? '*' : [...CORS_ORIGINS];
  app.enableCors({ origin, exposedHeaders: [REQUEST_ID_HEADER, 'inference-header-content-length', 'retry-after'] });
}

/** Past Nest's own `listen`, which would log a second line for a port that is taken. */
const openRest = (app: NestFastifyApplication, { HTTP_HOST: host, HTTP_PORT: port }: RestConfig): Promise<unknown> =>
  app.getHttpAdapter().getInstance().listen({ host, port });

async function opened(opening: Promise<unknown>, wire: string, host: string, key: string, port: number): Promise<void> {
  try {
    await opening;
  } catch (failure) {
    const text = failure instanceof Error ? failure.message : String(failure);
    const reason = text.includes('EADDRINUSE') ? `the port is in use; set ${key} to another one` : text;
    throw new Error(`${wire} cannot listen on ${hostAndPort(host, port)}: ${reason}`, { cause: failure });
  }
}

const hostAndPort = (host: string, port: number): string => (isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`);
