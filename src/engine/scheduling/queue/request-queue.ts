import { unavailable } from '../../../core/errors/catalogue.js';
import { ServingError } from '../../../core/errors/serving-error.js';
import type { InferenceCall } from '../../../core/inference/call.js';
import { departureOf, unwatch, watch } from '../../../core/inference/watched-call.js';
import type { InferenceRequest } from '../../../core/inference/request.js';
import type { QueueOptions, QueuePolicy } from '../../../core/model/scheduling.js';
import { Fifo, type FifoPlace } from './fifo.js';
import { schedulePolicy } from './schedule-policy.js';

/** How soon a caller may try again who was refused by a full queue: a queue empties in about that time, or never. */
const RETRY_AFTER_MS = 1_000;

/** A request that waits for its turn. */
export interface WaitingRequest {
  readonly request: InferenceRequest;
  readonly call: InferenceCall;
  /** Called once, when its turn has come; it has left the queue. */
  readonly admit: () => void;
  /** Called once instead: its caller is gone, it waited too long, or the model is not there any more. */
  readonly refuse: (reason: Error) => void;
  /** Noted by the queue that it waits in. */
  place?: Place | undefined;
}

interface Level {
  readonly policy: QueuePolicy;
  readonly waiting: Fifo<WaitingRequest>;
  /** Those that waited too long, where that puts them last. */
  readonly delayed: Fifo<WaitingRequest>;
}

/**
 * The requests that wait for a model: by priority, in the order in which they came, within the bounds of each
 * priority's policy. Who cancels leaves at once; entering, leaving and being served take constant time.
 */
export class RequestQueue {
  private readonly levels: readonly Level[];
  private readonly defaultPriority: number;
  private count = 0;

  constructor(options: QueueOptions = {}) {
    const { priorityLevels = 0, defaultPriority = priorityLevels, policies = {} } = options;
    this.defaultPriority = defaultPriority;
    this.levels = Array.from({ length: Math.max(1, priorityLevels) }, (_, index) => ({
      policy: policies[index + 1] ?? options,
      waiting: new Fifo(),
      delayed: new Fifo(),
    }));
  }

  get size(): number {
    return this.count;
  }

  /** Takes a request in. Throws `unavailable` when its priority is full, and the reason of a call that has ended. */
  add(entry: WaitingRequest): void {
    const gone = departureOf(entry.call);
    if (gone !== undefined) throw gone;
    const { priority, timeoutMs } = schedulePolicy(entry.request.parameters);
    const level = this.levelOf(priority);
    const { maxSize = 0 } = level.policy;
    if (maxSize > 0 && level.waiting.size + level.delayed.size >= maxSize) {
      throw new ServingError('unavailable', 'Exceeds maximum queue size', { retryAfterMs: RETRY_AFTER_MS });
    }
    entry.place = new Place(this, entry, level, limitOf(level.policy, timeoutMs));
    this.count++;
  }

  /** The request whose turn is next. */
  get head(): WaitingRequest | undefined {
    for (const { waiting, delayed } of this.levels) {
      const entry = waiting.head ?? delayed.head;
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  /** As many as are wanted of those that wait, in the order of their turns. */
  front(count: number): readonly WaitingRequest[] {
    const found: WaitingRequest[] = [];
    for (const { waiting, delayed } of this.levels) {
      for (let place = waiting.first; place !== undefined && found.length < count; place = place.behind)
        found.push(place.value);
      for (let place = delayed.first; place !== undefined && found.length < count; place = place.behind)
        found.push(place.value);
    }
    return found;
  }

  /** Lets a request out; who takes it admits or refuses it. */
  take(entry: WaitingRequest): void {
    const { place } = entry;
    if (place?.queue !== this) return;
    entry.place = undefined;
    this.count--;
    place.leave();
  }

  /** Refuses all that wait. */
  refuseAll(reason: () => Error): void {
    for (const entry of this.front(Infinity)) {
      this.take(entry);
      entry.refuse(reason());
    }
  }

  private levelOf(priority: number): Level {
    const valid = priority > 0 && priority <= this.levels.length;
    const level = this.levels[(valid ? priority : Math.max(1, this.defaultPriority)) - 1];
    if (level === undefined) throw new RangeError(`the queue has no priority ${this.defaultPriority}`);
    return level;
  }
}

/** A request may only shorten the time that the model's queue sets. */
const limitOf = ({ timeoutMs = 0, allowTimeoutOverride = false }: QueuePolicy, askedMs: number): number =>
  allowTimeoutOverride && askedMs > 0 && askedMs < timeoutMs ? askedMs : timeoutMs;

/** Where a request stands, and what makes it leave before its turn. */
class Place {
  private standing: FifoPlace<WaitingRequest>;
  private readonly timer: NodeJS.Timeout | undefined;

  constructor(
    readonly queue: RequestQueue,
    private readonly entry: WaitingRequest,
    private readonly level: Level,
    limitMs: number,
  ) {
    this.standing = level.waiting.push(entry);
    if (limitMs > 0) this.timer = setTimeout(() => this.isLate(), limitMs);
    watch(entry.call, this);
  }

  /** The caller has gone. */
  handleEvent(): void {
    this.queue.take(this.entry);
    this.entry.refuse(departureOf(this.entry.call) as Error);
  }

  leave(): void {
    if (this.timer !== undefined) clearTimeout(this.timer);
    unwatch(this.entry.call, this);
    this.standing.leave();
  }

  private isLate(): void {
    if (this.level.policy.onTimeout === 'delay') {
      this.standing.leave();
      this.standing = this.level.delayed.push(this.entry);
      return;
    }
    this.queue.take(this.entry);
    this.entry.refuse(unavailable('Request timeout expired'));
  }
}
