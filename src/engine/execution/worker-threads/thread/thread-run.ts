import type { InferContext } from '../../../../core/inference/context.js';
import type { ParameterValue } from '../../../../core/inference/parameters.js';
import { FlagSignal } from '../exchange/abort-flag.js';
import type { RunRequest, RunResult } from '../exchange/messages.js';
import { packOutputs } from '../exchange/packed-tensors.js';

/** What goes back to the server, and the memory that goes over with it. */
export class Delivery {
  constructor(
    readonly result: RunResult,
    readonly moved: readonly ArrayBuffer[],
  ) {}
}

/** One request in a thread: the context that the model sees, and the time that it takes. */
export class ThreadRun implements InferContext {
  readonly id: string;
  readonly deadline: number;
  readonly parameters: InferContext['parameters'];
  readonly principal: InferContext['principal'];
  readonly response = { parameters: new Map<string, ParameterValue>() };
  private readonly aborted: FlagSignal;
  private started = performance.now();

  constructor(
    private readonly model: string,
    flag: SharedArrayBuffer,
    { id, deadline, parameters, principal, sequence }: RunRequest,
  ) {
    this.id = id;
    this.deadline = deadline;
    this.parameters = parameters;
    this.principal = principal;
    this.aborted = new FlagSignal(flag, sequence);
  }

  get signal(): AbortSignal {
    return this.aborted.signal;
  }

  /** The clock starts anew: a stream only counts while it computes. */
  resume(): void {
    this.started = performance.now();
  }

  deliver(returned: unknown): Delivery {
    const computeNs = (performance.now() - this.started) * 1e6;
    const parameters = checked(this.response.parameters);
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

/** What cannot be cloned would end the thread when it is posted. */
function checked(parameters: ReadonlyMap<string, unknown>): RunResult['parameters'] {
  for (const [key, value] of parameters) {
    if (!PARAMETER_TYPES.has(typeof value)) {
      throw new TypeError(`the response parameter '${key}' is neither text, number nor boolean`);
    }
  }
  return parameters as RunResult['parameters'];
}

const PARAMETER_TYPES = new Set(['string', 'number', 'bigint', 'boolean']);
