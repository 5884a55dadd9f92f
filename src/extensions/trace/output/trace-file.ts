import { type FileHandle, open, rename } from 'node:fs/promises';

/** What is gathered before it is written. */
const BUFFERED = 65_536;

/** One file of traces: a JSON array, complete when it is closed. */
export class TraceFile {
  private texts: string[] = [];
  private length = 0;
  private isEmpty = true;
  private position = 0;
  /** Up to here, the file holds whole traces. */
  private whole = 0;

  private constructor(
    private readonly handle: FileHandle,
    private readonly path: string,
    private readonly name: string,
    private readonly onWritten: (bytes: number) => void,
  ) {}

  /**
   * Readable by the server's own user alone; one that was there is overwritten, as Triton does. A hidden one gets its
   * name only when it is complete: whoever sees it has all of it.
   */
  static async open(name: string, isHidden: boolean, onWritten: (bytes: number) => void): Promise<TraceFile> {
    const path = isHidden ? `${name}.part` : name;
    return new TraceFile(await open(path, 'w', 0o600), path, name, onWritten);
  }

  /** Adds a trace, part by part. Where it rejects, the file still holds whole traces alone. */
  async append(texts: Iterable<string>): Promise<void> {
    this.add(this.isEmpty ? '[\n' : ',\n');
    this.isEmpty = false;
    for (const text of texts) {
      this.add(text);
      if (this.length >= BUFFERED) await this.write();
    }
  }

  /** Writes what is gathered; call it between two traces. */
  async flush(): Promise<void> {
    if (this.length > 0) await this.write();
    this.whole = this.position;
  }

  async close(): Promise<void> {
    try {
      await this.flush();
      this.add(this.isEmpty ? '[]\n' : '\n]\n');
      await this.flush();
      await this.handle.truncate(this.position);
    } finally {
      await this.handle.close();
    }
    if (this.path !== this.name) await rename(this.path, this.name);
  }

  private add(text: string): void {
    this.texts.push(text);
    this.length += text.length;
  }

  private async write(): Promise<void> {
    const bytes = Buffer.from(this.texts.join(''));
    this.texts = [];
    this.length = 0;
    try {
      for (let sent = 0; sent < bytes.byteLength;) {
        const { bytesWritten } = await this.handle.write(bytes, sent, bytes.byteLength - sent, this.position + sent);
        sent += bytesWritten;
      }
    } catch (failure) {
      this.position = this.whole;
      this.isEmpty = this.whole === 0;
      throw failure;
    }
    this.position += bytes.byteLength;
    this.onWritten(bytes.byteLength);
  }
}
