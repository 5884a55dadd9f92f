import { summarize } from '../harness/statistics.mjs';

/** Counts what was answered, and how fast, until its end. */
export class Tally {
  over = false;
  #latencies = [];
  #failed = 0;
  #bytes = 0;

  add(answered, milliseconds, bytes) {
    if (this.over) return;
    this.#bytes += bytes;
    if (answered) this.#latencies.push(milliseconds);
    else this.#failed++;
  }

  end(seconds) {
    this.over = true;
    const answered = this.#latencies.length;
    const { p50, p99 } = summarize(this.#latencies);
    const perSecond = answered / seconds;
    return { answered, failed: this.#failed, perSecond, replyBytes: this.#bytes / answered, p50, p99 };
  }
}
