import { Fifo } from '../queue/fifo.js';
import type { Lane } from './lane.js';

/** The slots that sequences run in; those that find none wait in the backlog, in the order in which they came. */
export class Slots {
  private used = 0;
  private readonly isTaken: boolean[] = [];
  /** No slot before it is free. */
  private lowest = 0;
  private readonly backlog = new Fifo<Lane>();

  /** `admit` is called for each lane out of the backlog. */
  constructor(
    private readonly size: number,
    private readonly admit: (lane: Lane) => void,
  ) {}

  get isFull(): boolean {
    return this.used === this.size;
  }

  /** Gives the lane the first slot that is free, or a place in the backlog. */
  enter(lane: Lane): void {
    if (this.isFull) lane.standing = this.backlog.push(lane);
    else this.give(lane);
  }

  /** Takes the lane's slot for the next one, or its place in the backlog. */
  leave(lane: Lane): void {
    lane.standing?.leave();
    lane.standing = undefined;
    if (lane.slot === undefined) return;
    this.takeBack(lane.slot);
    lane.slot = undefined;
    const next = this.backlog.head;
    if (next === undefined) return;
    this.leave(next);
    this.give(next);
    this.admit(next);
  }

  private give(lane: Lane): void {
    while (this.isTaken[this.lowest] === true) this.lowest++;
    lane.slot = this.lowest;
    this.isTaken[this.lowest] = true;
    this.used++;
  }

  private takeBack(slot: number): void {
    this.isTaken[slot] = false;
    this.lowest = Math.min(this.lowest, slot);
    this.used--;
  }
}
