import { Injectable, type OnModuleInit } from '@nestjs/common';
import { invalidArgument, unimplemented } from '../../../core/errors/catalogue.js';
import { ServingError } from '../../../core/errors/serving-error.js';
import type { InferenceCall } from '../../../core/inference/call.js';
import { type RegionLease, SharedMemory } from '../../../core/inference/shared-memory.js';
import type { SharedOutput, SharedTensors } from '../../../core/inference/shared-tensors.js';
import { SharedTensorPort } from '../../../engine/pipeline/shared-tensors.js';
import { CallConfig } from '../../../protocol/call/call.config.js';
import type { RegionStatus } from '../regions/region.js';
import { Regions } from '../regions/regions.js';
import { ShmLease } from '../regions/shm-lease.js';
import { SharedMemoryConfig } from '../shared-memory.config.js';

/** POSIX shared memory of this machine, by the names that callers gave to parts of it. */
@Injectable()
export class SystemSharedMemoryService extends SharedMemory implements OnModuleInit {
  constructor(
    private readonly regions: Regions,
    private readonly tensors: SharedTensorPort,
    private readonly config: SharedMemoryConfig,
    private readonly limits: CallConfig,
  ) {
    super();
  }

  onModuleInit(): void {
    this.tensors.connect(this);
  }

  /** Throws as {@link Regions.register} does, and `unimplemented` while callers may share no memory. */
  register(call: InferenceCall, region: RegionStatus): void {
    this.assertAllowed();
    this.regions.register(call.principal, region);
  }

  unregister(call: InferenceCall, name: string): void {
    this.assertAllowed();
    this.regions.unregister(call.principal, name);
  }

  status(call: InferenceCall, name: string): readonly RegionStatus[] {
    return this.regions.list(call.principal, name);
  }

  lease(tensors: SharedTensors, call: InferenceCall): RegionLease {
    this.assertAllowed();
    this.assertBounded(tensors);
    const lease = new ShmLease((name) => this.regions.find(call.principal, name));
    try {
      for (const { slice } of tensors.inputs) lease.hold(slice);
      assertApart(tensors.outputs, lease);
    } catch (refusal) {
      lease.release();
      throw refusal;
    }
    return lease;
  }

  /** Callers who may share memory of the CPU alone are told so for all other kinds too. */
  assertAllowed(): void {
    if (this.config.ALLOW_CLIENT_SHM) return;
    throw unimplemented(
      "Client shared memory is disabled. Start the server with '--allow-client-shm=true' to enable. Here that is ALLOW_CLIENT_SHM=true.",
    );
  }

  /** What is read is copied, and an object of shared memory may claim to be larger than the machine. */
  private assertBounded({ inputs }: SharedTensors): void {
    const { MAX_MESSAGE_BYTES } = this.limits;
    const total = inputs.reduce((sum, { slice }) => sum + slice.byteSize, 0);
    if (total <= MAX_MESSAGE_BYTES) return;
    throw new ServingError(
      'resource-exhausted',
      `the inputs in shared memory have ${total} bytes, a request may have ${MAX_MESSAGE_BYTES} (MAX_MESSAGE_BYTES)`,
      { reason: 'message-too-large' },
    );
  }
}

/** Outputs that overlap would spoil each other, under whatever names their memory was registered. */
function assertApart(outputs: readonly SharedOutput[], lease: ShmLease): void {
  const taken: { readonly name: string; readonly object: string; readonly start: number; readonly end: number }[] = [];
  for (const { name, slice } of outputs) {
    const region = lease.hold(slice);
    const start = region.positionOf(slice);
    const place = { name, object: region.file.identity, start, end: start + slice.byteSize };
    const other = taken.find(
      ({ object, ...known }) => object === place.object && known.start < place.end && start < known.end,
    );
    if (other !== undefined) {
      throw invalidArgument(
        `outputs '${other.name}' and '${name}' overlap in shared memory: give each a place of its own`,
      );
    }
    taken.push(place);
  }
}
