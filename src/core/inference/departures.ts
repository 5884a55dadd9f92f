/** Is told once that nobody waits for a call any more; the listeners of a signal look the same. */
export interface DepartureListener {
  handleEvent(): void;
}

/** Tells of the end of a call as its signal does. A signal costs several microseconds, and most calls need none. */
export class Departures {
  private ended: Error | undefined;
  private first: DepartureListener | undefined;
  private others: Set<DepartureListener> | undefined;

  /** Why nobody waits any more; `undefined` while somebody does. */
  get reason(): Error | undefined {
    return this.ended;
  }

  add(listener: DepartureListener): void {
    if (this.first === undefined) this.first = listener;
    else (this.others ??= new Set()).add(listener);
  }

  delete(listener: DepartureListener): void {
    if (this.first === listener) this.first = undefined;
    else this.others?.delete(listener);
  }

  /** The first reason stays. */
  end(reason: Error): void {
    if (this.ended !== undefined) return;
    this.ended = reason;
    this.first?.handleEvent();
    for (const listener of this.others ?? []) listener.handleEvent();
    this.first = this.others = undefined;
  }
}
