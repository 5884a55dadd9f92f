/** What a {@link LiveSet} notes on its members. */
export interface Placed {
  /** Where it stands in the set; -1 outside. */
  place: number;
}

/**
 * A set of what lives as briefly as a call. A `Set`, or an array that shrinks, lays its table anew every few calls, and
 * each table that is left behind holds on to what stood in it until the whole heap is collected, with all that hangs on
 * it. This one grows to its largest size and from then on only overwrites.
 */
export class LiveSet<T extends Placed> {
  private readonly members: (T | undefined)[] = [];
  private count = 0;

  get size(): number {
    return this.count;
  }

  add(member: T): void {
    if (member.place !== -1) return;
    member.place = this.count;
    this.members[this.count++] = member;
  }

  delete(member: T): void {
    const { place } = member;
    if (place === -1) return;
    const last = this.members[--this.count] as T;
    this.members[place] = last;
    last.place = place;
    this.members[this.count] = undefined;
    member.place = -1;
  }

  /** The members as they are now. */
  snapshot(): readonly T[] {
    return this.members.slice(0, this.count) as T[];
  }
}
