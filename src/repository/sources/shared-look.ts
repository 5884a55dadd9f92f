/**
 * Looks once for all who ask while a look is under way: they share the next one, so that what anybody gets was begun
 * after they asked. A start that asks for a thousand models at once walks the repository a few times, not thousands.
 */
export class SharedLook<T> {
  private running: Promise<T> | undefined;
  private next: Promise<T> | undefined;

  constructor(private readonly look: () => Promise<T>) {}

  take(): Promise<T> {
    if (this.running === undefined) return this.begin();
    const begin = () => this.begin();
    this.next ??= this.running.then(begin, begin);
    return this.next;
  }

  private begin(): Promise<T> {
    this.next = undefined;
    const run: Promise<T> = this.look().finally(() => {
      if (this.running === run) this.running = undefined;
    });
    this.running = run;
    return run;
  }
}
