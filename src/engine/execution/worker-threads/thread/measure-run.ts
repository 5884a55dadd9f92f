import type { InferContext } from '../../../../core/inference/context.js';
import { NO_PARAMETERS } from '../../../../core/inference/parameters.js';
import type { LoadedModel } from '../../../../core/runtime/model-runtime.js';
import { namedTensors } from '../../../../core/tensor/tensor.js';
import { zeros } from '../../../../core/tensor/zeros.js';

const MAX_RUNS = 50;
const MAX_TOTAL_NS = 20e6;

/**
 * How long a run on zeros takes, in nanoseconds: the shortest of some, for what else the machine does meanwhile is not
 * the model's. `undefined` where zeros do not suit the model.
 */
export async function measureRun({ inputs, model }: LoadedModel): Promise<number | undefined> {
  let shortest: number | undefined;
  let total = 0;
  try {
    for (let runs = 0; runs < MAX_RUNS && total < MAX_TOTAL_NS; runs++) {
      const tensors = namedTensors();
      for (const spec of inputs) if (!spec.optional) tensors[spec.name] = zeros(spec);
      const started = performance.now();
      await model.infer?.(tensors, idleContext());
      const runNs = (performance.now() - started) * 1e6;
      shortest = Math.min(shortest ?? runNs, runNs);
      total += runNs;
    }
  } catch {
    return undefined;
  }
  return shortest;
}

/** The context of a run that nobody asked for. */
const idleContext = (): InferContext => ({
  id: 'warm-up',
  signal: new AbortController().signal,
  deadline: Infinity,
  parameters: NO_PARAMETERS,
  principal: undefined,
  response: { parameters: new Map() },
});
