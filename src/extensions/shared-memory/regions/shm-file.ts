import { closeSync, constants, fstatSync, openSync, readSync, writeSync, read, write } from 'node:fs';
import { promisify } from 'node:util';

/** Where Linux shows POSIX shared memory as files. */
const FOLDER = '/dev/shm';

/**
 * Links are not followed. Nothing makes the opening wait: another process that holds a lease on the file could, for as
 * long as 45 seconds.
 */
const FLAGS = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Up to here a copy costs the event loop less than a hop to another thread and back. */
const SYNC_BYTES = 262_144;

const readAsync = promisify(read);
const writeAsync = promisify(write);

/** An object of shared memory, open from here until it is closed, even when its name goes. */
export class ShmFile {
  private constructor(
    private readonly fd: number,
    /** The same for all names of one object. */
    readonly identity: string,
  ) {}

  /** Throws whatever the system says; `name` is that of a file, without slashes. */
  static open(name: string): ShmFile {
    const fd = openSync(`${FOLDER}/${name}`, FLAGS);
    const status = fstatSync(fd);
    if (status.isFile()) return new ShmFile(fd, `${status.dev}:${status.ino}`);
    closeSync(fd);
    throw new TypeError(`${FOLDER}/${name} is no plain file`);
  }

  /** Its owner may change it at any time. */
  get byteSize(): number {
    return fstatSync(this.fd).size;
  }

  /** Gives fewer bytes where the object has become shorter. */
  read(position: number, byteSize: number): Uint8Array | Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(byteSize);
    if (byteSize > SYNC_BYTES) return this.readLarge(bytes, position);
    let filled = 0;
    while (filled < byteSize) {
      const count = readSync(this.fd, bytes, filled, byteSize - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  }

  private async readLarge(bytes: Buffer, position: number): Promise<Uint8Array> {
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await readAsync(this.fd, bytes, filled, bytes.length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  }

  write(position: number, bytes: Uint8Array): void | Promise<void> {
    if (bytes.byteLength > SYNC_BYTES) return this.writeLarge(position, bytes);
    for (let sent = 0; sent < bytes.byteLength;) {
      sent += writeSync(this.fd, bytes, sent, bytes.byteLength - sent, position + sent);
    }
  }

  private async writeLarge(position: number, bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.byteLength;) {
      const { bytesWritten } = await writeAsync(this.fd, bytes, sent, bytes.byteLength - sent, position + sent);
      sent += bytesWritten;
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}
