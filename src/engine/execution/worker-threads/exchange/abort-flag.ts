import { cancelled, deadlineExceeded, unavailable } from '../../../../core/errors/catalogue.js';
import { ServingError } from '../../../../core/errors/serving-error.js';

/**
 * Memory that the server and one thread share, by which the server tells the thread that nobody waits for a request any
 * more: a message would only be read when the model's loop lets it.
 */
const ABORTED = 0;
const REASON = 1;

const REASONS = [
  cancelled,
  deadlineExceeded,
  () => unavailable('the request was given up by the server'),
] as const satisfies readonly (() => ServingError)[];

export const createFlag = (): SharedArrayBuffer => new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);

/** Says that the request of this number is not wanted any more. */
export function raiseFlag(flag: SharedArrayBuffer, sequence: number, reason: unknown): void {
  const words = new Int32Array(flag);
  const code = reason instanceof ServingError ? reason.code : 'unavailable';
  Atomics.store(words, REASON, code === 'cancelled' ? 0 : code === 'deadline-exceeded' ? 1 : 2);
  Atomics.store(words, ABORTED, sequence);
  Atomics.notify(words, ABORTED);
}

/** The signal of one request, in the thread: it is made when the model asks for it. */
export class FlagSignal {
  private readonly words: Int32Array;
  private controller: AbortController | undefined;
  private done = false;
  private over = false;

  constructor(
    flag: SharedArrayBuffer,
    private readonly sequence: number,
  ) {
    this.words = new Int32Array(flag);
  }

  /** `aborted` is true as soon as the flag is raised; the `abort` event comes when the model's loop gives way. */
  get signal(): AbortSignal {
    if (this.controller !== undefined) return this.controller.signal;
    const controller = (this.controller = new AbortController());
    const { signal } = controller;
    const look = (): AbortSignal => {
      this.look(controller);
      return signal;
    };
    Object.defineProperties(signal, {
      aborted: { get: () => Reflect.get(AbortSignal.prototype, 'aborted', look()) as unknown },
      reason: { get: () => Reflect.get(AbortSignal.prototype, 'reason', look()) as unknown },
      throwIfAborted: { value: () => AbortSignal.prototype.throwIfAborted.call(look()) },
    });
    this.look(controller);
    void this.listen(controller);
    return signal;
  }

  /** The request is over: what still waits for its abort waits no more. */
  release(): void {
    this.done = true;
    if (this.controller !== undefined) Atomics.notify(this.words, ABORTED);
  }

  private look(controller: AbortController): void {
    if (this.done || this.over || Atomics.load(this.words, ABORTED) !== this.sequence) return;
    this.over = true;
    controller.abort(REASONS[Atomics.load(this.words, REASON)]?.());
  }

  private async listen(controller: AbortController): Promise<void> {
    while (!this.done && !this.over) {
      const seen = Atomics.load(this.words, ABORTED);
      this.look(controller);
      if (this.over) return;
      await Atomics.waitAsync(this.words, ABORTED, seen).value;
      this.look(controller);
    }
  }
}
