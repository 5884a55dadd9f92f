/** A queue that an element can leave from anywhere, in constant time. */
export class Fifo<T> {
  private first: Place<T> | undefined;
  private last: Place<T> | undefined;
  private count = 0;

  get size(): number {
    return this.count;
  }

  get head(): T | undefined {
    return this.first?.value;
  }

  /** Puts an element at the end, and gives the way to take it out again, which may be gone more than once. */
  push(value: T): () => void {
    const place: Place<T> = { value, before: this.last, behind: undefined, taken: false };
    if (this.last === undefined) this.first = place;
    else this.last.behind = place;
    this.last = place;
    this.count++;
    return () => this.remove(place);
  }

  *[Symbol.iterator](): Generator<T, void> {
    for (let place = this.first; place !== undefined; place = place.behind) yield place.value;
  }

  private remove(place: Place<T>): void {
    if (place.taken) return;
    place.taken = true;
    const { before, behind } = place;
    if (before === undefined) this.first = behind;
    else before.behind = behind;
    if (behind === undefined) this.last = before;
    else behind.before = before;
    // A link that is left behind would keep all that came later alive until the whole heap is collected.
    place.before = place.behind = undefined;
    this.count--;
  }
}

interface Place<T> {
  readonly value: T;
  before: Place<T> | undefined;
  behind: Place<T> | undefined;
  taken: boolean;
}
