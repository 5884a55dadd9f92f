import type { InferContext } from '../../core/inference/context.js';
import { NO_PARAMETERS } from '../../core/inference/parameters.js';
import type { NamedTensors } from '../../core/tensor/tensor.js';
import { unlessAborted } from './abort.js';
import type { ModelExecutor } from './model-executor.js';

/** Inputs that a model runs on before its first request. */
export interface WarmUpSample {
  readonly name: string;
  /** How many times, on each instance. */
  readonly count: number;
  readonly inputs: NamedTensors;
}

/** Runs the samples on every instance that is free. Throws what the model throws, and when the load is given up. */
export async function warmUp(
  executor: ModelExecutor,
  samples: readonly WarmUpSample[],
  signal: AbortSignal,
): Promise<void> {
  const instances = Number.isFinite(executor.free) ? Math.max(1, executor.free) : 1;
  for (const sample of samples) {
    for (let count = 0; count < sample.count; count++) {
      signal.throwIfAborted();
      const runs = Promise.all(Array.from({ length: instances }, () => runOnce(executor, sample, signal)));
      await unlessAborted(runs, signal).catch((failure: unknown) => {
        throw explain(sample, failure);
      });
    }
  }
}

async function runOnce(executor: ModelExecutor, { name, inputs }: WarmUpSample, signal: AbortSignal): Promise<void> {
  const context: InferContext = {
    id: `warm-up ${name}`,
    signal,
    deadline: Infinity,
    parameters: NO_PARAMETERS,
    principal: undefined,
    response: { parameters: new Map() },
  };
  if (executor.infer !== undefined) {
    await executor.infer(inputs, context, { queueNs: 0, computeNs: 0 });
    return;
  }
  const outputs = executor.stream?.(inputs, context) ?? [];
  for await (const _ of outputs) signal.throwIfAborted();
}

const explain = ({ name }: WarmUpSample, failure: unknown): Error =>
  new Error(`warm-up sample '${name}' failed: ${failure instanceof Error ? failure.message : String(failure)}`, {
    cause: failure,
  });
