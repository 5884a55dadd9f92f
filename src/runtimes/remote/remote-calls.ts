import { unavailable } from '../../core/errors/catalogue.js';
import { ServingError } from '../../core/errors/serving-error.js';
import type { InferContext, RunContext } from '../../core/inference/context.js';
import { NO_PARAMETERS } from '../../core/inference/parameters.js';
import { wantedOutputs } from '../../core/inference/wanted-outputs.js';
import type { InferenceRequest } from '../../core/inference/request.js';
import type { NamedTensors } from '../../core/tensor/tensor.js';
import type { RemoteTarget } from './remote-target.js';
import type { Breaker } from './upstream/breaker.js';
import { retry } from './upstream/retries.js';
import type { CallLimits } from './upstream/call-limits.js';
import type { Upstream } from './upstream/upstream.js';
import { isOutage, isUnavailable } from './upstream/upstream-failure.js';

/** One inference on its way to an upstream. */
export interface RemoteCall {
  readonly request: InferenceRequest;
  readonly limits: CallLimits;
  /** The callers that the answer is for: one, or those of a batch. */
  readonly callers: readonly InferContext[];
}

/** The calls of one model: they are repeated within the budget of their upstream, and refused while it is out of order. */
export class RemoteCalls {
  constructor(
    readonly upstream: Upstream,
    readonly target: RemoteTarget,
    private readonly breaker: Breaker,
    /** How long an answer takes at least before its absence is the upstream's fault, in milliseconds. */
    private readonly patienceMs: number,
  ) {}

  /**
   * What is sent for a request. Tensors, parameters, id and the names of the outputs go as they came; of the caller there
   * is nothing else.
   */
  toCall(inputs: NamedTensors, context: RunContext): RemoteCall {
    const { model, version } = this.target;
    const callers = 'requests' in context ? context.requests : [context];
    const [first] = callers;
    // The requests of a batch have the same parameters, but each an id of its own.
    const id = callers.length === 1 ? (first?.id ?? '') : '';
    // What a caller says of an output, such as to have it classified, is done here.
    const outputs = wantedOutputs(context).map((name) => ({ name, parameters: NO_PARAMETERS }));
    const request = { model, version, id, parameters: first?.parameters ?? NO_PARAMETERS, inputs, outputs };
    const deadline = Math.max(...callers.map((caller) => caller.deadline));
    return { request, callers, limits: { signal: context.signal, deadline, requestId: id } };
  }

  /** Runs an attempt until one succeeds, or may not be repeated. */
  run<T>(call: RemoteCall, attempt: () => Promise<T>): Promise<T> {
    this.upstream.retryBudget.earn();
    return retry(
      () => this.attempt(attempt),
      (failure, repeats) => repeats < MAX_REPEATS && !isStep(call) && this.mayRepeat(failure),
      call.limits,
    );
  }

  private mayRepeat(failure: unknown): boolean {
    return isUnavailable(failure) && this.breaker.outage === undefined && this.upstream.retryBudget.take();
  }

  private async attempt<T>(attempt: () => Promise<T>): Promise<T> {
    if (this.breaker.outage !== undefined) throw unavailable(this.breaker.outage);
    const startedAt = Date.now();
    try {
      const result = await attempt();
      this.breaker.succeeded();
      return result;
    } catch (failure) {
      this.judge(failure, startedAt);
      throw failure;
    }
  }

  /** Tells the breaker of a failure: an error that the upstream answered with shows that it serves. */
  judge(failure: unknown, startedAt: number): void {
    if (!(failure instanceof ServingError)) return;
    const { code } = failure;
    if (!isOutage(failure)) {
      // Who cancels says nothing of the upstream.
      if (code !== 'cancelled') this.breaker.succeeded();
    } else if (code !== 'deadline-exceeded' || Date.now() - startedAt >= this.patienceMs) {
      this.breaker.fail(`calls to upstream '${this.upstream.name}' fail: ${failure.message}`);
    }
  }
}

/** Of one call. */
const MAX_REPEATS = 3;

/** A request of a sequence changes a state: nobody knows whether the one that failed has. */
const isStep = ({ request: { parameters } }: RemoteCall): boolean => {
  const id = parameters.get('sequence_id');
  return id !== undefined && id !== 0 && id !== '';
};
