import type { BatchContext, BatchedRequest, RunContext } from '../../../../core/inference/context.js';
import type { Parameters, ParameterValue } from '../../../../core/inference/parameters.js';
import { FlagSignal } from '../exchange/abort-flag.js';
import type { RequestFacts, RunRequest, RunResult } from '../exchange/messages.js';
import { packOutputs } from '../exchange/packed-tensors.js';

/** What goes back to the server, and the memory that goes over with it. */
export class Delivery {
  constructor(
    readonly result: RunResult,
    readonly moved: readonly ArrayBuffer[],
  ) {}
}

/** One run in a thread: the context that the model sees, and the time that it takes. */
export class ThreadRun {
  readonly context: RunContext;
  private readonly requests: readonly ThreadContext[];
  private readonly aborted: FlagSignal;
  private started = performance.now();

  constructor(
    private readonly model: string,
    flag: SharedArrayBuffer,
    { requests, isBatch, sequence }: RunRequest,
  ) {
    const aborted = (this.aborted = new FlagSignal(flag, sequence));
    this.requests = requests.map((facts) => new ThreadContext(facts, aborted));
    const [only] = this.requests;
    if (only === undefined) throw new RangeError('a run is for one request at least');
    this.context = isBatch ? new ThreadBatchContext(this.requests, aborted) : only;
  }

  /** The clock starts anew: a stream only counts while it computes. */
  resume(): void {
    this.started = performance.now();
  }

  deliver(returned: unknown): Delivery {
    const computeNs = (performance.now() - this.started) * 1e6;
    const parameters = this.requests.map(({ response }) => checked(response.parameters));
    if (typeof returned !== 'object' || returned === null) {
      return new Delivery({ outputs: undefined, parameters, computeNs }, []);
    }
    const { tensors, moved } = packOutputs(this.model, returned);
    return new Delivery({ outputs: tensors, parameters, computeNs }, moved);
  }

  release(): void {
    this.aborted.release();
  }
}

/** One request of a run; those of a batch share its signal. */
class ThreadBatchContext implements BatchContext {
  constructor(
    readonly requests: readonly ThreadContext[],
    private readonly aborted: FlagSignal,
  ) {}

  get signal(): AbortSignal {
    return this.aborted.signal;
  }
}

class ThreadContext implements BatchedRequest {
  readonly id: string;
  readonly deadline: number;
  readonly parameters: Parameters;
  readonly principal: BatchedRequest['principal'];
  readonly rows: number;
  readonly response = { parameters: new Map<string, ParameterValue>() };

  constructor(
    { id, deadline, parameters, principal, rows }: RequestFacts,
    private readonly aborted: FlagSignal,
  ) {
    this.id = id;
    this.deadline = deadline;
    this.parameters = parameters;
    this.principal = principal;
    this.rows = rows;
  }

  get signal(): AbortSignal {
    return this.aborted.signal;
  }
}

/** What cannot be cloned would end the thread when it is posted. */
function checked(parameters: ReadonlyMap<string, unknown>): Parameters {
  for (const [key, value] of parameters) {
    if (!PARAMETER_TYPES.has(typeof value)) {
      throw new TypeError(`the response parameter '${key}' is neither text, number nor boolean`);
    }
  }
  return parameters as Parameters;
}

const PARAMETER_TYPES = new Set(['string', 'number', 'bigint', 'boolean']);
