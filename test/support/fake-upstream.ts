import { once } from 'node:events';
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { NO_PARAMETERS } from '../../src/core/inference/parameters.js';
import { bytes as bytesKind, fp32 } from '../../src/core/tensor/kinds.js';
import { decodeModelInferRequest } from '../../src/protocol/grpc/codec/infer-request.js';
import { encodeModelInferResponse } from '../../src/protocol/grpc/codec/infer-response.js';
import { loadContracts } from '../../src/protocol/grpc/contracts.js';
import type { ModelInferRequest } from '../../src/protocol/grpc/messages.js';

/** A server of the protocol that can be made to fail in any way, for it writes its answers itself. */

const service = loadContracts()['inference.GRPCInferenceService'] as unknown as Record<
  string,
  { readonly path: string; responseSerialize(message: object): Buffer }
>;

const OK = 0;
const UNIMPLEMENTED = 12;

/** One call, as far as its request has come whole. */
export class FakeCall {
  private hasBegun = false;

  constructor(
    readonly method: string,
    readonly headers: IncomingHttpHeaders,
    /** The first message. */
    readonly message: Buffer,
    readonly stream: ServerHttp2Stream,
  ) {}

  get request(): ModelInferRequest {
    return decodeModelInferRequest(this.message);
  }

  get session(): ServerHttp2Session {
    return this.stream.session as ServerHttp2Session;
  }

  /** Writes one message of the answer. */
  write(message: Buffer): void {
    this.begin();
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    this.stream.write(Buffer.concat([head, message]));
  }

  /** Ends the answer with a status, in headers alone where there was no message. */
  end(status = OK, message = ''): void {
    const trailers = { 'grpc-status': String(status), 'grpc-message': encodeURIComponent(message) };
    if (!this.hasBegun) {
      this.stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailers }, { endStream: true });
      return;
    }
    this.stream.once('wantTrailers', () => this.stream.sendTrailers(trailers));
    this.stream.end();
  }

  /** Answers with one message. */
  reply(message: Buffer): void {
    this.write(message);
    this.end();
  }

  private begin(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  }
}

/** What the fake's model would answer to a request of its: `y` is `x`, a vector of FP32. */
export const echoReply = ({ raw_input_contents: [raw] = [], id = '' }: ModelInferRequest): Buffer => {
  const values = new Float32Array(new Uint8Array(raw ?? []).buffer);
  const tensor = fp32.of([values.length], values);
  return encodeModelInferResponse({
    model: 'm',
    version: '1',
    id,
    parameters: NO_PARAMETERS,
    outputs: [{ name: 'y', tensor }],
  });
};

export const bytesReply = (name: string): Buffer =>
  encodeModelInferResponse({
    model: 'm',
    version: '1',
    id: '',
    parameters: NO_PARAMETERS,
    outputs: [{ name, tensor: bytesKind.of([1], ['text']) }],
  });

export const VECTOR = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: ['-1'] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: ['-1'] }],
};

export class FakeUpstream implements AsyncDisposable {
  /** What it answers to ModelMetadata. */
  metadata: object = VECTOR;
  /** What it answers to ModelConfig; it has no such rpc while this is absent. */
  config: object | undefined;
  /** What it answers to ModelReady. */
  ready = true;
  /** Whether it answers anything but inferences. */
  answers = true;
  /** How it answers inferences, of both rpcs. */
  onInfer: (call: FakeCall) => void = (call) => call.reply(echoReply(call.request));
  /** The inferences so far. */
  readonly inferences: FakeCall[] = [];
  readonly sessions = new Set<ServerHttp2Session>();
  private readonly server: Http2Server = createServer();

  private constructor() {
    this.server.on('session', (session) => {
      this.sessions.add(session);
      session.on('close', () => this.sessions.delete(session));
      session.on('error', () => undefined);
    });
    this.server.on('stream', (stream, headers) => this.take(stream, headers));
  }

  static async listen(port = 0): Promise<FakeUpstream> {
    const upstream = new FakeUpstream();
    upstream.server.listen(port, '127.0.0.1');
    await once(upstream.server, 'listening');
    return upstream;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const session of this.sessions) session.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.server.listening) await this.close();
  }

  private take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const chunks: Buffer[] = [];
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      if (stream.destroyed) return;
      const body = Buffer.concat(chunks);
      const method = headers[':path']?.split('/').at(-1) ?? '';
      this.answer(new FakeCall(method, headers, body.subarray(5), stream));
    });
  }

  private answer(call: FakeCall): void {
    const { method } = call;
    if (method === 'ModelInfer' || method === 'ModelStreamInfer') {
      this.inferences.push(call);
      this.onInfer(call);
      return;
    }
    if (!this.answers) return;
    const { metadata, config, ready } = this;
    const reply = { ModelMetadata: metadata, ModelConfig: config && { config }, ModelReady: { ready } }[method];
    const codec = service[method];
    if (reply === undefined || codec === undefined) call.end(UNIMPLEMENTED, `no ${method} here`);
    else call.reply(codec.responseSerialize(reply));
  }
}
