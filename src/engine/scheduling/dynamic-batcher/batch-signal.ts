/** Aborts when every one of some signals has: a batch is wanted as long as one of its callers waits. */
export class BatchSignal {
  private readonly controller = new AbortController();
  private readonly listening: { readonly signal: AbortSignal; readonly abort: () => void }[] = [];
  private waiting: number;

  constructor(signals: readonly AbortSignal[]) {
    this.waiting = signals.length;
    for (const signal of signals) {
      const abort = (): void => this.leave(signal.reason);
      if (signal.aborted) {
        abort();
        continue;
      }
      signal.addEventListener('abort', abort, { once: true });
      this.listening.push({ signal, abort });
    }
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Listens no more. */
  release(): void {
    for (const { signal, abort } of this.listening) signal.removeEventListener('abort', abort);
  }

  private leave(reason: unknown): void {
    this.waiting--;
    if (this.waiting === 0) this.controller.abort(reason);
  }
}
