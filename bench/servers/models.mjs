import { availableParallelism } from 'node:os';
import { fp32, int32, Model, signature, workerThreads } from '#core';

/** The models that are measured. Threads load this file too, so it imports nothing of Nest. */

const pair = signature({
  inputs: { INPUT0: int32(-1, 16), INPUT1: int32(-1, 16) },
  outputs: { OUTPUT0: int32(-1, 16), OUTPUT1: int32(-1, 16) },
});
const matrix = signature({ inputs: { INPUT0: fp32(-1, -1) }, outputs: { OUTPUT0: fp32(-1, -1) } });
const reduced = signature({ inputs: { INPUT0: fp32(-1, -1) }, outputs: { OUTPUT0: fp32(1) } });

/** The sum and the difference. */
export class Simple {
  infer({ INPUT0, INPUT1 }) {
    return {
      OUTPUT0: INPUT0.map((value, index) => value + INPUT1.data[index]),
      OUTPUT1: INPUT0.map((value, index) => value - INPUT1.data[index]),
    };
  }
}
Model('simple', pair)(Simple);

/** Its input, as it is. */
export class Echo {
  infer({ INPUT0 }) {
    return { OUTPUT0: INPUT0 };
  }
}
Model('echo', matrix)(Echo);

/** The last element: a small reply to a request of any size. */
export class Last {
  infer({ INPUT0 }) {
    return { OUTPUT0: fp32.of([1], [INPUT0.data.at(-1)]) };
  }
}
Model('last', reduced)(Last);

/** Its input, one response for each element. */
export class Repeat {
  async *stream({ INPUT0 }) {
    for (const value of INPUT0.data) yield { OUTPUT0: fp32.of([1], [value]) };
  }
}
Model('repeat', reduced)(Repeat);

const BURN_MS = 200;

/** Computes for 200 ms without giving way, in threads of its own: one core less than there are. */
export class Burner {
  infer({ INPUT0 }) {
    const end = performance.now() + BURN_MS;
    let value = INPUT0.data[0] ?? 0;
    while (performance.now() < end) for (let index = 0; index < 10_000; index++) value = Math.sin(value + index);
    return { OUTPUT0: fp32.of([1], [value]) };
  }
}
const size = Math.max(1, availableParallelism() - 1);
Model('burner', reduced, { execution: workerThreads({ module: import.meta.url, size }) })(Burner);
