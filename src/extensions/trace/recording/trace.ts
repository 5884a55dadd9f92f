import type { ObservedInference } from '../../../core/inference/inference-observer.js';
import type { OutputTensor } from '../../../core/inference/response.js';
import type { NamedTensors } from '../../../core/tensor/tensor.js';
import type { TraceSetting } from '../settings/trace-setting.js';
import { TensorCopy } from './tensor-copy.js';

/** When something happened, by the milliseconds of `performance.now()`. */
export interface Moment {
  readonly name: string;
  readonly at: number;
}

/** One request of a model, in a trace: that of a caller, or one that a model made on its behalf. */
export class TracedRequest {
  /** Empty for none. */
  requestId = '';
  /** In the order in which a request goes through the server; what it never came to is left out. */
  moments: readonly Moment[] = [];
  readonly tensors: TensorCopy[] = [];
  /** Why it failed; empty for a success. */
  failure = '';
  private readonly responses: Moment[] = [];

  constructor(
    readonly trace: Trace,
    readonly id: number,
    /** The request whose model made this one; 0 for none. */
    readonly parentId: number,
    readonly model: string,
    readonly version: string,
  ) {}

  /** When it entered the engine, and when its caller got the answer. */
  get start(): number {
    return this.moments[0]?.at ?? 0;
  }

  get end(): number {
    return this.moments.at(-1)?.at ?? 0;
  }

  responded(at: number): void {
    this.responses.push({ name: 'INFER_RESPONSE_COMPLETE', at });
  }

  /** Notes what is known at the end, and nothing that keeps tensors alive. */
  finished({ request, start, queueStart, execution, end, failure }: ObservedInference): void {
    const moments: Moment[] = [{ name: 'REQUEST_START', at: start }];
    if (queueStart > 0) moments.push({ name: 'QUEUE_START', at: queueStart });
    if (execution !== undefined) {
      moments.push(
        { name: 'COMPUTE_START', at: execution.start },
        { name: 'COMPUTE_INPUT_END', at: execution.inputEnd },
        { name: 'COMPUTE_OUTPUT_START', at: execution.outputStart },
        { name: 'COMPUTE_END', at: execution.end },
      );
    }
    this.moments = [...moments, ...this.responses, { name: 'REQUEST_END', at: end }];
    this.requestId = request.id;
    this.failure = failure?.message ?? '';
  }

  tookInputs(inputs: NamedTensors): void {
    for (const [name, tensor] of Object.entries(inputs)) {
      this.tensors.push(new TensorCopy('TENSOR_QUEUE_INPUT', name, tensor));
    }
  }

  gaveOutputs(outputs: readonly OutputTensor[]): void {
    for (const { name, tensor } of outputs) this.tensors.push(new TensorCopy('TENSOR_BACKEND_OUTPUT', name, tensor));
  }
}

/** About as much does a request take up without its tensors. */
const REQUEST_BYTES = 1_024;

/** What became of one request of a caller, and of those that models made for it. */
export class Trace {
  /** That of the caller comes first. */
  readonly requests: TracedRequest[] = [];
  /** What the wire did before and after. */
  readonly wire: Moment[] = [];
  /** Who still has something to add. */
  pending = 0;

  constructor(
    readonly setting: TraceSetting,
    /** What the caller says of a trace of its own: `traceparent` and `tracestate`. */
    readonly headers: Readonly<Record<string, string | undefined>>,
  ) {}

  get byteSize(): number {
    return this.requests.reduce(
      (sum, { tensors }) => tensors.reduce((bytes, { byteSize }) => bytes + byteSize, sum + REQUEST_BYTES),
      0,
    );
  }
}
