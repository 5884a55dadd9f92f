/** A queue that an element can leave from anywhere, in constant time. */
export class Fifo<T> {
  private front: FifoPlace<T> | undefined;
  private last: FifoPlace<T> | undefined;
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Where the first element stands; the others are behind it. */
  get first(): FifoPlace<T> | undefined {
    return this.front;
  }

  get head(): T | undefined {
    return this.front?.value;
  }

  /** Puts an element at the end, and gives the place, which can be left again. */
  push(value: T): FifoPlace<T> {
    const place = new FifoPlace(this, value, this.last);
    if (this.last === undefined) this.front = place;
    else this.last.behind = place;
    this.last = place;
    this.count++;
    return place;
  }

  *[Symbol.iterator](): Generator<T, void> {
    for (let place = this.front; place !== undefined; place = place.behind) yield place.value;
  }

  /** Of {@link FifoPlace.leave}. */
  remove(place: FifoPlace<T>): void {
    const { before, behind } = place;
    if (before === undefined) this.front = behind;
    else before.behind = behind;
    if (behind === undefined) this.last = before;
    else behind.before = before;
    // A link that is left behind would keep all that came later alive until the whole heap is collected.
    place.before = place.behind = undefined;
    this.count--;
  }
}

/** Where an element stands. */
export class FifoPlace<T> {
  behind: FifoPlace<T> | undefined;

  constructor(
    private readonly fifo: Fifo<T>,
    readonly value: T,
    public before: FifoPlace<T> | undefined,
  ) {}

  /** Takes the element out, once. */
  leave(): void {
    this.fifo.remove(this);
  }
}
