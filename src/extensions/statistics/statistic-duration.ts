/** How often something happened, and how long it took in all. */
export class StatisticDuration {
  private count = 0;
  private ns = 0;

  add(ns: number): void {
    this.count++;
    this.ns += ns;
  }

  toJSON(): { readonly count: number; readonly ns: number } {
    return { count: this.count, ns: Math.round(this.ns) };
  }
}
