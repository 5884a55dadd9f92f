import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** The key set endpoint of an issuer, which answers well or as badly as it is told to. Counts its requests. */
export class KeySetServer implements AsyncDisposable {
  requests = 0;
  answer: Answer = KeySetServer.status(404);
  private readonly server = createServer((request, response) => {
    this.requests++;
    this.answer(request, response);
  });

  static async start(answer?: Answer): Promise<KeySetServer> {
    const keySets = new KeySetServer();
    if (answer !== undefined) keySets.answer = answer;
    await new Promise<void>((resolve) => keySets.server.listen(0, '127.0.0.1', resolve));
    return keySets;
  }

  static keys(...keys: readonly JWK[]): Answer {
    return KeySetServer.text(JSON.stringify({ keys }));
  }

  static text(text: string): Answer {
    return (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(text);
  }

  static status(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
    return (_, response) => void response.writeHead(status, headers).end();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/keys`;
  }

  /** Ends the server; its port then refuses connections. */
  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
