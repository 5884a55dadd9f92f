const SMALLEST = 128;

/**
 * The open streams of a connection by their ids, in place of the `Map` that `node:http2` keeps. A `Map` lays its table
 * anew every few streams, and each table that is left behind in old memory holds on to the next one, with all streams
 * in it and all that hangs on them, until the whole heap is collected. This one overwrites in place: linear probing,
 * half full at most, it grows to its largest size and stays there. Ids are positive.
 */
export class StreamTable<T extends object> {
  private ids: number[];
  private streams: (T | undefined)[];
  private count = 0;

  constructor(entries: Iterable<readonly [number, T]> = []) {
    this.ids = emptyIds(SMALLEST);
    this.streams = emptyStreams(SMALLEST);
    for (const [id, stream] of entries) this.set(id, stream);
  }

  get size(): number {
    return this.count;
  }

  get(id: number): T | undefined {
    return this.streams[this.placeOf(id)];
  }

  set(id: number, stream: T): this {
    if (2 * this.count >= this.ids.length) this.grow();
    const place = this.placeOf(id);
    if (this.ids[place] === 0) this.count++;
    this.ids[place] = id;
    this.streams[place] = stream;
    return this;
  }

  delete(id: number): boolean {
    const place = this.placeOf(id);
    if (this.ids[place] !== id) return false;
    this.count--;
    this.close(place);
    return true;
  }

  forEach(visit: (stream: T, id: number) => void): void {
    for (const [id, stream] of this) visit(stream, id);
  }

  /** The streams as they are now: whoever visits them may close them. */
  [Symbol.iterator](): IterableIterator<[number, T]> {
    const open = this.ids.flatMap((id, place): [number, T][] => {
      const stream = this.streams[place];
      return stream === undefined ? [] : [[id, stream]];
    });
    return open.values();
  }

  /** Where the stream stands, or would stand. */
  private placeOf(id: number): number {
    const last = this.ids.length - 1;
    let place = (id >>> 1) & last;
    for (let found = this.ids[place]; found !== 0 && found !== id; found = this.ids[place]) place = (place + 1) & last;
    return place;
  }

  /** Empties a place, and moves those behind it up that would not be found beyond the gap. */
  private close(gap: number): void {
    const last = this.ids.length - 1;
    let place = gap;
    for (;;) {
      place = (place + 1) & last;
      const id = this.ids[place] ?? 0;
      if (id === 0) break;
      const home = (id >>> 1) & last;
      if (((place - home) & last) < ((place - gap) & last)) continue;
      this.ids[gap] = id;
      this.streams[gap] = this.streams[place];
      gap = place;
    }
    this.ids[gap] = 0;
    this.streams[gap] = undefined;
  }

  private grow(): void {
    const entries = [...this];
    const size = 2 * this.ids.length;
    this.ids = emptyIds(size);
    this.streams = emptyStreams(size);
    this.count = 0;
    for (const [id, stream] of entries) this.set(id, stream);
  }
}

const emptyIds = (length: number): number[] => Array.from({ length }, () => 0);
const emptyStreams = (length: number): undefined[] => Array.from({ length }, () => undefined);

/** Gives a session of `node:http2` such a table. Where this version of Node keeps its streams elsewhere, it stays as it is. */
export function replaceStreams(session: object): void {
  for (const symbol of Object.getOwnPropertySymbols(session)) {
    const state = (session as Record<symbol, unknown>)[symbol] as { streams?: unknown } | null | undefined;
    if (typeof state !== 'object' || state === null) continue;
    if (state.streams instanceof Map) state.streams = new StreamTable(state.streams as Map<number, object>);
  }
}
