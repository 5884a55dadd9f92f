import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Question {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Reply = (response: ServerResponse, question: Question) => void;

/** Answers with JSON, whatever the question is. */
export const json =
  (value: unknown, status = 200): Reply =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));

/** Answers never. */
export const silence: Reply = () => undefined;

/** Answers without an end, and faster than anyone reads. */
export const flood: Reply = (response) => {
  const pour = (): void => {
    while (!response.destroyed && response.write(' '.repeat(64 * 1024)));
  };
  response.on('drain', pour);
  pour();
};

/** A policy decision point of a real HTTP server on a free port, that answers as a test says. */
export class DecisionPoint implements AsyncDisposable {
  readonly questions: Question[] = [];

  private constructor(
    private readonly server: Server,
    public reply: Reply,
  ) {}

  static async start(reply: Reply): Promise<DecisionPoint> {
    const server = createServer();
    const point = new DecisionPoint(server, reply);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method, url, headers } = request;
        const question = { method, url, headers, body: Buffer.concat(chunks).toString('utf8') };
        point.questions.push(question);
        point.reply(response, question);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return point;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1/data/inference/allow`;
  }

  /** The bodies of the questions so far. */
  get bodies(): readonly unknown[] {
    return this.questions.map(({ body }) => JSON.parse(body) as unknown);
  }

  /** Ends the server; whoever asks afterwards finds nobody. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.server.listening) return;
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }
}
