import { Fifo } from '../queue/fifo.js';
import type { Lane } from './lane.js';

/** The slots that sequences run in; those that find none wait in the backlog, in the order in which they came. */
export class Slots {
  private free: number;
  private readonly backlog = new Fifo<Lane>();
  private readonly leaving = new Map<Lane, () => void>();

  /** `admit` is called for each lane out of the backlog. */
  constructor(
    size: number,
    private readonly admit: (lane: Lane) => void,
  ) {
    this.free = size;
  }

  get isFull(): boolean {
    return this.free === 0;
  }

  /** Gives the lane a slot, or a place in the backlog. */
  enter(lane: Lane): void {
    if (this.isFull) this.leaving.set(lane, this.backlog.push(lane));
    else this.give(lane);
  }

  /** Takes the lane's slot for the next one, or its place in the backlog. */
  leave(lane: Lane): void {
    this.leaving.get(lane)?.();
    this.leaving.delete(lane);
    if (!lane.hasSlot) return;
    lane.hasSlot = false;
    this.free++;
    const next = this.backlog.head;
    if (next === undefined) return;
    this.leave(next);
    this.give(next);
    this.admit(next);
  }

  private give(lane: Lane): void {
    this.free--;
    lane.hasSlot = true;
  }
}
