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

  constructor() {
    this.ids = emptyIds(SMALLEST);
    this.streams = emptyStreams(SMALLEST);
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

/**
 * The streams of a connection that have no id yet, in place of a `Set`, for the same reason. On a server that is one at
 * most, for as long as it is made, so they are looked for one by one.
 */
export class PendingStreams<T extends object> {
  size = 0;
  private readonly streams: (T | undefined)[] = [undefined];

  add(stream: T): this {
    if (this.streams.includes(stream)) return this;
    const free = this.streams.indexOf(undefined);
    this.streams[free === -1 ? this.streams.length : free] = stream;
    this.size++;
    return this;
  }

  delete(stream: T): boolean {
    const place = this.streams.indexOf(stream);
    if (place === -1) return false;
    this.streams[place] = undefined;
    this.size--;
    return true;
  }

  /** Visits the streams as they are now. */
  forEach(visit: (stream: T) => void): void {
    for (const stream of this.streams.filter((each) => each !== undefined)) visit(stream);
  }
}

/**
 * Gives a session of `node:http2` such tables; tells whether it has. Where this version of Node keeps its streams
 * elsewhere, it stays as it is.
 */
export function replaceStreams(session: object): boolean {
  for (const symbol of Object.getOwnPropertySymbols(session)) {
    const state = (session as Record<symbol, unknown>)[symbol] as Partial<SessionState> | null | undefined;
    if (typeof state !== 'object' || !isTable(state?.streams) || !isTable(state.pendingStreams)) continue;
    if (state.streams.size > 0 || state.pendingStreams.size > 0) return false;
    state.streams = new StreamTable();
    state.pendingStreams = new PendingStreams();
    return true;
  }
  return false;
}

interface Table {
  readonly size: number;
  delete(key: never): boolean;
  forEach(visit: (stream: never) => void): void;
}

interface SessionState {
  streams: Table;
  pendingStreams: Table;
}

/** The collections of Node.js itself are instances of no `Map` and no `Set`. */
const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && 'size' in value && 'delete' in value && 'forEach' in value;
