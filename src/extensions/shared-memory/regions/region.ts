import { invalidArgument } from '../../../core/errors/catalogue.js';
import { ServingError } from '../../../core/errors/serving-error.js';
import type { RegionSlice } from '../../../core/inference/shared-tensors.js';
import { beyondRegion } from '../../../protocol/call/shared-memory-parameters.js';
import type { ShmFile } from './shm-file.js';

/** How a caller described a region when it was registered. */
export interface RegionStatus {
  readonly name: string;
  readonly key: string;
  /** Where the region begins in the object behind its key, in bytes. */
  readonly offset: number;
  readonly byteSize: number;
}

/** A part of an object of shared memory under a caller's name; it is released when it is unregistered and nobody uses it. */
export class Region {
  private uses = 0;
  private unregistered = false;

  constructor(
    readonly status: RegionStatus,
    readonly file: ShmFile,
    private readonly onRelease: () => void,
  ) {}

  get isUnregistered(): boolean {
    return this.unregistered;
  }

  take(): void {
    this.uses++;
  }

  give(): void {
    this.uses--;
    this.releaseIfDone();
  }

  unregister(): void {
    if (this.unregistered) return;
    this.unregistered = true;
    this.releaseIfDone();
  }

  private releaseIfDone(): void {
    if (!this.unregistered || this.uses > 0) return;
    this.file.close();
    this.onRelease();
  }

  /** Throws `invalid-argument` for a slice that does not lie in the region. */
  check({ region, offset, byteSize }: RegionSlice): void {
    if (offset >= this.status.byteSize) throw beyondRegion('offset', region);
    if (offset + byteSize > this.status.byteSize) throw beyondRegion('offset + byte size', region);
  }

  /** Where a slice begins in the object behind the region. */
  positionOf({ offset }: RegionSlice): number {
    return this.status.offset + offset;
  }

  read(slice: RegionSlice): Uint8Array | Promise<Uint8Array> {
    const bytes = this.file.read(this.positionOf(slice), slice.byteSize);
    return bytes instanceof Promise ? bytes.then((all) => this.whole(all, slice)) : this.whole(bytes, slice);
  }

  private whole(bytes: Uint8Array, { byteSize }: RegionSlice): Uint8Array {
    if (bytes.byteLength < byteSize) throw this.shrunk();
    return bytes;
  }

  /** Never lengthens the object. */
  write(slice: RegionSlice, bytes: Uint8Array): void | Promise<void> {
    const position = this.positionOf(slice);
    if (position + bytes.byteLength > this.file.byteSize) throw this.shrunk();
    try {
      const writing = this.file.write(position, bytes);
      return writing?.catch((cause: unknown) => this.unwritable(cause));
    } catch (cause) {
      return this.unwritable(cause);
    }
  }

  private shrunk(): ServingError {
    return invalidArgument(`shared memory region '${this.status.name}' is shorter than when it was registered`);
  }

  private unwritable(cause: unknown): never {
    throw new ServingError('internal', `shared memory region '${this.status.name}' cannot be written`, { cause });
  }
}
