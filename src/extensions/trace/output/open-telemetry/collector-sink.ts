import { Logger } from '@nestjs/common';
import type { Trace, TracedRequest } from '../../recording/trace.js';
import { TraceSink } from '../trace-sink.js';
import type { Span, SpanContext, Telemetry, Time } from './telemetry.js';

/** OpenTelemetry's numbers. */
const SERVER = 1;
const INTERNAL = 0;
const ERROR = 2;

/**
 * Makes spans of traces, in Triton's form: one for the whole call, in it one for each request of a model, in it one for
 * the run. Tensors are left out. What the collector does not take is lost.
 */
export class CollectorSink extends TraceSink {
  private readonly logger = new Logger('Trace');

  constructor(
    private readonly url: string,
    private readonly telemetry: Telemetry,
  ) {
    super();
  }

  assertReady(): void {
    // It is, once it could be made.
  }

  describe() {
    return { trace_mode: ['opentelemetry'], url: [this.url] };
  }

  accept(trace: Trace): void {
    const [first] = trace.requests;
    if (first === undefined) return;
    const caller = this.telemetry.callerOf(trace.headers);
    const root = this.start('InferRequest', SERVER, trace.wire[0]?.at ?? first.start, caller);
    for (const { name, at } of trace.wire) root.addEvent(name, timeOf(at));
    const within = this.telemetry.within(caller, root);
    const contexts = new Map<number, SpanContext>();
    for (const request of trace.requests) {
      contexts.set(request.id, this.addRequest(request, contexts.get(request.parentId) ?? within));
    }
    root.end(timeOf(Math.max(first.end, trace.wire.at(-1)?.at ?? 0)));
  }

  release(): void {
    // Spans belong to no file.
  }

  async end(): Promise<void> {
    try {
      await this.telemetry.shutdown();
    } catch (failure) {
      this.logger.error({ message: 'the last traces are lost', reason: (failure as Error).message });
    }
  }

  private addRequest(request: TracedRequest, parent: SpanContext): SpanContext {
    const span = this.start(request.model, SERVER, request.start, parent);
    span.setAttribute('triton.model_name', request.model);
    span.setAttribute('triton.model_version', request.version);
    span.setAttribute('triton.trace_id', request.id);
    span.setAttribute('triton.trace_parent_id', request.parentId);
    if (request.requestId !== '') span.setAttribute('triton.request_id', request.requestId);
    const within = this.telemetry.within(parent, span);
    this.addRun(request, within);
    for (const { name, at } of request.moments) if (!COMPUTE.test(name)) span.addEvent(name, timeOf(at));
    if (request.failure !== '') span.setStatus({ code: ERROR, message: request.failure });
    span.end(timeOf(request.end));
    return within;
  }

  private addRun({ moments }: TracedRequest, parent: SpanContext): void {
    const [first, ...others] = moments.filter(({ name }) => COMPUTE.test(name));
    if (first === undefined) return;
    const span = this.start('compute', INTERNAL, first.at, parent);
    for (const { name, at } of [first, ...others]) span.addEvent(name, timeOf(at));
    span.end(timeOf(others.at(-1)?.at ?? first.at));
  }

  private start(name: string, kind: number, at: number, parent: SpanContext): Span {
    return this.telemetry.tracer.startSpan(name, { kind, startTime: timeOf(at) }, parent);
  }
}

const COMPUTE = /^COMPUTE_/;

/** A moment of `performance.now()` by the clock of the system. */
function timeOf(moment: number): Time {
  const milliseconds = performance.timeOrigin + moment;
  const seconds = Math.floor(milliseconds / 1_000);
  return [seconds, Math.round((milliseconds - seconds * 1_000) * 1e6)];
}
