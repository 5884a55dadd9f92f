import {
  InferenceObserver,
  type ObservedCall,
  type ObservedInference,
  type ObservedResponse,
} from '../../../core/inference/inference-observer.js';
import { CallContext } from '../../../protocol/call/call-context.js';
import type { TraceSetting } from '../settings/trace-setting.js';
import { Trace, TracedRequest } from './trace.js';

/** The moments of a wire, in the words of Triton. */
const WIRE_MOMENTS = {
  grpc: ['GRPC_WAITREAD_START', 'GRPC_WAITREAD_END', 'GRPC_SEND_START', 'GRPC_SEND_END'],
  rest: ['HTTP_RECV_START', 'HTTP_RECV_END', 'HTTP_SEND_START', 'HTTP_SEND_END'],
} as const;

/** Follows the requests that are traced through the engine and back over the wire. */
export class TraceRecorder extends InferenceObserver {
  private readonly open = new Map<ObservedInference, TracedRequest>();
  private lastId = 0;

  constructor(
    private readonly settingOf: (model: string) => TraceSetting,
    private readonly completed: (trace: Trace) => void,
  ) {
    super();
  }

  /** Whether no trace is being made. */
  get isIdle(): boolean {
    return this.open.size === 0;
  }

  /**
   * Only requests of callers are chosen; those that models make on their behalf belong to the same trace, wherever the
   * context of the first was handed on.
   */
  override started(inference: ObservedInference, call: ObservedCall): void {
    const { outer } = call;
    const parent = outer === undefined ? undefined : this.open.get(outer);
    if (parent !== undefined) this.begin(parent.trace, inference, parent.id);
    else if (call instanceof CallContext) this.sample(inference, call);
  }

  executed(): void {
    // A request knows its run when it is finished.
  }

  responded({ inference, outcome, end, response }: ObservedResponse): void {
    const request = outcome === 'made' ? this.open.get(inference) : undefined;
    if (request === undefined) return;
    request.responded(end);
    if (request.trace.setting.has('TENSORS') && response !== undefined) request.gaveOutputs(response.outputs);
  }

  finished(inference: ObservedInference): void {
    const request = this.open.get(inference);
    if (request === undefined) return;
    this.open.delete(inference);
    const { request: asked, response, end } = inference;
    if (request.trace.setting.has('TENSORS')) {
      request.tookInputs(asked.inputs);
      if (response !== undefined) request.gaveOutputs(response.outputs);
    }
    if (response !== undefined) request.responded(end);
    request.finished(inference);
    this.done(request.trace);
  }

  private sample(inference: ObservedInference, call: CallContext): void {
    const setting = this.settingOf(inference.model.name);
    if (!setting.sample()) return;
    const trace = new Trace(setting, {
      traceparent: call.details.header?.('traceparent'),
      tracestate: call.details.header?.('tracestate'),
    });
    this.begin(trace, inference, 0);
    this.followCall(trace, inference, call);
  }

  private begin(trace: Trace, inference: ObservedInference, parentId: number): void {
    const request = new TracedRequest(trace, ++this.lastId, parentId, inference.model.name, inference.model.version);
    trace.requests.push(request);
    trace.pending++;
    this.open.set(inference, request);
  }

  /** Reading a request ends where the engine gets it, and sending the reply begins where the engine has it. */
  private followCall(trace: Trace, inference: ObservedInference, call: CallContext): void {
    const [readStart, readEnd, sendStart, sendEnd] = WIRE_MOMENTS[call.details.wire];
    trace.wire.push({ name: readStart, at: call.startedAt }, { name: readEnd, at: inference.start });
    if (call.isOver) return;
    trace.pending++;
    const { onFinish } = call;
    call.onFinish = () => {
      onFinish?.();
      // A caller who has left before that is sent nothing.
      if (inference.end > 0) {
        trace.wire.push({ name: sendStart, at: inference.end }, { name: sendEnd, at: performance.now() });
      }
      this.done(trace);
    };
  }

  private done(trace: Trace): void {
    trace.pending--;
    if (trace.pending === 0) this.completed(trace);
  }
}
