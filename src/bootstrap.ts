import 'reflect-metadata';
import { isIPv6 } from 'node:net';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AuthenticationPolicy } from './admission/authentication/authentication-policy.js';
import { AppModule, type AppModuleOptions } from './app.module.js';
import { StructuredLogger } from './observability/structured-logger.js';
import { CallAuthenticator } from './protocol/call/call-authenticator.js';
import { CallObserver } from './protocol/call/call-observer.js';
import { CallConfig } from './protocol/call/call.config.js';
import { GrpcConfig } from './protocol/grpc/grpc.config.js';
import { GrpcServer } from './protocol/grpc/grpc-server.js';
import { RestConfig } from './protocol/rest/rest.config.js';
import { configureRest, createRestAdapter } from './protocol/rest/rest-server.js';

/** A server whose modules are wired; {@link InferenceServer.listen} opens its ports. */
export interface InferenceServer {
  readonly app: NestFastifyApplication;
  readonly grpc: GrpcServer;
  /** Opens both ports and starts to load the models. Throws with one clear line when a port is taken. */
  listen(): Promise<Addresses>;
}

export interface Addresses {
  /** The base URL of the REST server, without a slash at its end. */
  readonly http: string;
  /** Host and port of the gRPC server. */
  readonly grpc: string;
}

/** Wires the hybrid application, the same for `main.ts` and for every test. */
export async function createApp(options: AppModuleOptions = {}): Promise<InferenceServer> {
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(options), createRestAdapter(), {
    abortOnError: false,
    bodyParser: false,
    bufferLogs: true,
  });
  app.useLogger(app.get(StructuredLogger));
  const rest = app.get(RestConfig);
  const { GRPC_HOST, GRPC_PORT } = app.get(GrpcConfig);
  const { MAX_MESSAGE_BYTES: maxMessageBytes, REQUEST_TIMEOUT_MS: requestTimeoutMs } = app.get(CallConfig);
  app.get(AuthenticationPolicy).assertSafeAddress([rest.HTTP_HOST, GRPC_HOST]);
  const parts = {
    authenticator: app.get(CallAuthenticator),
    observer: app.get(CallObserver),
    maxMessageBytes,
    requestTimeoutMs,
  };
  configureRest(app, parts);
  const grpc = new GrpcServer({ ...parts, address: hostAndPort(GRPC_HOST, GRPC_PORT) });
  // Without the inheritance, guards and filters would not run for gRPC calls.
  app.connectMicroservice({ strategy: grpc }, { inheritAppConfig: true });

  const listen = async (): Promise<Addresses> => {
    try {
      await app.init();
      await opened(app.startAllMicroservices(), 'gRPC', GRPC_HOST, 'GRPC_PORT', GRPC_PORT);
      await opened(app.listen(rest.HTTP_PORT, rest.HTTP_HOST), 'REST', rest.HTTP_HOST, 'HTTP_PORT', rest.HTTP_PORT);
    } catch (failure) {
      await app.close();
      throw failure;
    }
    const httpPort = (app.getHttpServer().address() as { port: number }).port;
    return { http: `http://${hostAndPort(rest.HTTP_HOST, httpPort)}`, grpc: hostAndPort(GRPC_HOST, grpc.port) };
  };
  return { app, grpc, listen };
}

async function opened(opening: Promise<unknown>, wire: string, host: string, key: string, port: number): Promise<void> {
  try {
    await opening;
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    throw new Error(`${wire} cannot listen on ${hostAndPort(host, port)}: ${reason}; set ${key} to another port`, {
      cause: failure,
    });
  }
}

const hostAndPort = (host: string, port: number): string => (isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`);
