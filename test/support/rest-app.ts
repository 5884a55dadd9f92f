import { connect, type Socket } from 'node:net';
import type { Provider, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Principal } from '../../src/core/inference/principal.js';
import { ActiveCalls } from '../../src/protocol/call/active-calls.js';
import type { Overload } from '../../src/protocol/call/overload.js';
import { RestErrorFilter } from '../../src/protocol/rest/rest-error.filter.js';
import { configureRest, createRestAdapter } from '../../src/protocol/rest/rest-server.js';
import { ConnectionsConfig } from '../../src/protocol/rest/server/connections.config.js';
import { FakeCallAuthenticator } from '../../src/testing/fake-call-authenticator.js';
import { FakeCallObserver } from '../../src/testing/fake-call-observer.js';
import { FakeOverload } from '../../src/testing/fake-overload.js';

export interface RestApp {
  readonly app: NestFastifyApplication;
  readonly port: number;
  readonly url: string;
  readonly observer: FakeCallObserver;
}

export interface RestAppOptions {
  readonly controllers: Type[];
  readonly principals?: ReadonlyMap<string, Principal>;
  readonly providers?: Provider[];
  readonly maxMessageBytes?: number;
  readonly connections?: Partial<ConnectionsConfig>;
  readonly overload?: Overload;
  readonly requestTimeoutMs?: number;
  readonly prepare?: (app: NestFastifyApplication) => void;
}

/** Starts controllers behind the real REST server, without the rest of the application. */
export async function startRest(options: RestAppOptions): Promise<RestApp> {
  const { controllers, principals, maxMessageBytes = 1_000_000, requestTimeoutMs = 60_000, prepare } = options;
  const { providers = [], overload = new FakeOverload() } = options;
  const connections = Object.assign(new ConnectionsConfig(), options.connections);
  const observer = new FakeCallObserver();
  const module = { module: class {}, controllers, providers };
  const app = await NestFactory.create<NestFastifyApplication>(module, createRestAdapter(connections), {
    abortOnError: false,
    bodyParser: false,
    // Node.js waits a minute for connections that have sent no request, and clients open such ahead.
    forceCloseConnections: true,
    logger: false,
  });
  app.useGlobalFilters(new RestErrorFilter());
  configureRest(app, {
    calls: new ActiveCalls(),
    authenticator: new FakeCallAuthenticator(principals),
    observer,
    overload,
    maxMessageBytes,
    requestTimeoutMs,
    sendTimeoutMs: connections.REST_SEND_TIMEOUT_MS,
  });
  prepare?.(app);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as { port: number };
  return { app, port, url: `http://127.0.0.1:${port}`, observer };
}

/** Writes bytes to a port and gives all that comes back until the server closes the connection. */
export async function exchange(port: number, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const received = receive(socket);
  for (const part of parts) socket.write(part);
  return received;
}

/** All that a socket receives until it is closed. */
export async function receive(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => {
    // A reset after the answer is the answer's end too.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}
