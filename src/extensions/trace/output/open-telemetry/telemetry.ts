/**
 * What of OpenTelemetry's packages is used. They are optional, so it is written out here: the server compiles and runs
 * without them.
 */

/** Seconds and nanoseconds since the epoch. */
export type Time = [seconds: number, nanoseconds: number];

export interface Span {
  setAttribute(key: string, value: string | number): unknown;
  addEvent(name: string, time: Time): unknown;
  setStatus(status: { readonly code: number; readonly message: string }): unknown;
  end(time: Time): void;
}

/** A context: which span is the parent of a new one. */
export type SpanContext = object;

export interface Tracer {
  startSpan(name: string, options: { readonly kind: number; readonly startTime: Time }, parent: SpanContext): Span;
}

export interface Telemetry {
  readonly tracer: Tracer;
  /** The span of the caller that its headers name, if they do so in a form that is well. */
  callerOf(headers: Readonly<Record<string, string | undefined>>): SpanContext;
  /** What happens within a span. */
  within(context: SpanContext, span: Span): SpanContext;
  /** Sends what is left. */
  shutdown(): Promise<void>;
}

export interface TelemetryApi {
  readonly ROOT_CONTEXT: SpanContext;
  readonly trace: { setSpan(context: SpanContext, span: Span): SpanContext };
}

export interface TelemetryCore {
  readonly W3CTraceContextPropagator: new () => {
    extract(context: SpanContext, carrier: object, getter: object): SpanContext;
  };
}

export interface TelemetrySdk {
  readonly BasicTracerProvider: new (options: { readonly spanProcessors: readonly object[] }) => {
    getTracer(name: string): Tracer;
    shutdown(): Promise<void>;
  };
  readonly BatchSpanProcessor: new (exporter: object) => object;
}

export interface TelemetryExporter {
  readonly OTLPTraceExporter: new (options: { readonly url: string }) => object;
}
