import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { invalidArgument } from '../../../core/errors/catalogue.js';
import { ServingError } from '../../../core/errors/serving-error.js';
import type { Principal } from '../../../core/inference/principal.js';
import { SharedMemoryConfig } from '../shared-memory.config.js';
import { Region, type RegionStatus } from './region.js';
import { ShmFile } from './shm-file.js';
import { fileOfKey } from './shm-key.js';

/** Whose regions they are: the name of a principal; where nobody is authenticated, all callers are one. */
type Owner = string | undefined;

const MAX_NAME_LENGTH = 1_024;

/** The regions that callers have registered; each caller sees its own alone. */
@Injectable()
export class Regions implements OnApplicationShutdown {
  private readonly owners = new Map<Owner, Map<string, Region>>();
  private count = 0;

  constructor(private readonly config: SharedMemoryConfig) {}

  /**
   * Throws `invalid-argument` for a key or a place that cannot be, `already-exists` for a name that is taken,
   * `resource-exhausted` where the caller, or all of them, have as many as they may, and `internal` where there is no
   * such object, or another identity has registered it.
   */
  register(principal: Principal | undefined, status: RegionStatus): void {
    const { name, key } = status;
    if (name === '' || name.length > MAX_NAME_LENGTH) throw wrongName(name);
    const file = fileOfKey(key, name);
    const owner = principal?.name;
    const own = this.owners.get(owner) ?? new Map<string, Region>();
    if (own.has(name)) {
      throw new ServingError('already-exists', `shared memory region '${name}' already in manager`);
    }
    this.assertRoom(own.size);
    const object = this.open(file, key, owner);
    if (!fits(status, object)) {
      object.close();
      throw invalidArgument(`failed to register shared memory region '${name}': invalid args`);
    }
    own.set(name, new Region(status, object, () => this.remove(owner, name)));
    this.owners.set(owner, own);
    this.count++;
  }

  /** Releases the region when no request uses it any more; an empty name stands for all regions of the caller. */
  unregister(principal: Principal | undefined, name: string): void {
    const own = this.owners.get(principal?.name);
    if (name !== '') own?.get(name)?.unregister();
    else own?.forEach((region) => region.unregister());
  }

  /** The regions of the caller, or the one of that name; those that are still in use count. */
  list(principal: Principal | undefined, name: string): readonly RegionStatus[] {
    const own = this.owners.get(principal?.name);
    if (name === '') return Array.from(own?.values() ?? [], ({ status }) => status);
    const region = own?.get(name);
    if (region !== undefined) return [region.status];
    throw new ServingError('not-found', `Unable to find system shared memory region: '${name}'`);
  }

  /** A region that a request may use. Throws `not-found`. */
  find(principal: Principal | undefined, name: string): Region {
    const region = this.owners.get(principal?.name)?.get(name);
    if (region !== undefined && !region.isUnregistered) return region;
    throw new ServingError('not-found', `Unable to find shared memory region: '${name}'`);
  }

  onApplicationShutdown(): void {
    for (const own of this.owners.values()) for (const region of own.values()) region.unregister();
  }

  /** By caller first, so that nobody takes the room of all others. */
  private assertRoom(own: number): void {
    const { SHM_MAX_REGIONS, SHM_MAX_REGIONS_TOTAL } = this.config;
    if (own >= SHM_MAX_REGIONS) throw tooMany(`${own} shared memory regions are yours`, 'SHM_MAX_REGIONS');
    if (this.count < SHM_MAX_REGIONS_TOTAL) return;
    throw tooMany(`${this.count} shared memory regions are registered by all callers`, 'SHM_MAX_REGIONS_TOTAL');
  }

  private open(file: string, key: string, owner: Owner): ShmFile {
    let object: ShmFile | undefined;
    try {
      object = ShmFile.open(file);
    } catch (cause) {
      throw unopenable(key, cause);
    }
    if (!this.isOthers(object, owner)) return object;
    object.close();
    throw unopenable(key, new Error('another identity has registered it'));
  }

  private isOthers({ identity }: ShmFile, owner: Owner): boolean {
    for (const [other, regions] of this.owners) {
      if (other === owner) continue;
      for (const { file } of regions.values()) if (file.identity === identity) return true;
    }
    return false;
  }

  private remove(owner: Owner, name: string): void {
    const own = this.owners.get(owner);
    own?.delete(name);
    if (own?.size === 0) this.owners.delete(owner);
    this.count--;
  }
}

const fits = ({ offset, byteSize }: RegionStatus, object: ShmFile): boolean =>
  byteSize > 0 && offset + byteSize <= object.byteSize;

const unopenable = (key: string, cause: unknown): ServingError =>
  new ServingError('internal', `Unable to open shared memory region: '${key}'`, { cause });

const wrongName = (name: string): ServingError =>
  invalidArgument(
    `the name of a shared memory region has 1 to ${MAX_NAME_LENGTH} characters, this one has ${name.length}`,
  );

const tooMany = (held: string, key: string): ServingError =>
  new ServingError('resource-exhausted', `${held}, as many as there may be (${key}): unregister some`);
