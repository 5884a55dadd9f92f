import { connect, type Socket } from 'node:net';
import type { TestServer } from '#testing';

/** A connection to the REST server that a test holds in its hands. */
export class HttpSocket {
  private readonly chunks: Buffer[] = [];
  readonly socket: Socket;
  /** Resolves when the connection is closed, by whoever did it. */
  readonly closed: Promise<void>;

  constructor(server: Pick<TestServer, 'addresses'>) {
    const { hostname, port } = new URL(server.addresses.http);
    this.socket = connect(Number(port), hostname);
    this.socket.on('data', (chunk: Buffer) => this.chunks.push(chunk));
    // A reset after the answer is the answer's end too.
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => void this.socket.once('close', () => resolve()));
  }

  /** All that came so far. */
  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  /** The statuses of the answers so far, in order. */
  get statuses(): readonly number[] {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  }

  /** Resolves when the kernel has taken the bytes, or the connection has ended. */
  async write(bytes: string | Buffer): Promise<void> {
    if (this.socket.destroyed) return;
    await Promise.race([new Promise((resolve) => void this.socket.write(bytes, resolve)), this.closed]);
  }

  /** Writes, and gives what came until the server closed the connection. */
  async exchange(bytes: string | Buffer): Promise<string> {
    await this.write(bytes);
    await this.closed;
    return this.text;
  }

  /** Resolves when so many bytes have come, at the least. */
  async received(bytes: number): Promise<void> {
    while (this.chunks.reduce((sum, { length }) => sum + length, 0) < bytes) {
      await new Promise((resolve) => void this.socket.once('data', resolve));
    }
  }

  destroy(): void {
    this.socket.destroy();
  }
}
