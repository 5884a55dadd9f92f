import { ConfigurationError } from '../../../../config/configuration-error.js';
import { CollectorSink } from './collector-sink.js';
import type { SpanContext, TelemetryApi, TelemetryCore, TelemetryExporter, TelemetrySdk } from './telemetry.js';

/** Packages that only this mode needs, and that the server does not install by itself. */
const PACKAGES = {
  api: '@opentelemetry/api',
  core: '@opentelemetry/core',
  sdk: '@opentelemetry/sdk-trace-base',
  exporter: '@opentelemetry/exporter-trace-otlp-http',
} as const;

/** Sends spans to a collector, in batches. Throws a `ConfigurationError` where the packages are not installed. */
export async function openCollector(url: string): Promise<CollectorSink> {
  const api = await load<TelemetryApi>(PACKAGES.api);
  const { W3CTraceContextPropagator } = await load<TelemetryCore>(PACKAGES.core);
  const { BasicTracerProvider, BatchSpanProcessor } = await load<TelemetrySdk>(PACKAGES.sdk);
  const { OTLPTraceExporter } = await load<TelemetryExporter>(PACKAGES.exporter);
  const provider = new BasicTracerProvider({
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
  });
  const propagator = new W3CTraceContextPropagator();
  const getter = {
    get: (carrier: Readonly<Record<string, string | undefined>>, key: string) => carrier[key],
    keys: (carrier: object) => Object.keys(carrier),
  };
  return new CollectorSink(url, {
    tracer: provider.getTracer('nest-inference-server'),
    callerOf: (headers): SpanContext => propagator.extract(api.ROOT_CONTEXT, headers, getter),
    within: (context, span) => api.trace.setSpan(context, span),
    shutdown: () => provider.shutdown(),
  });
}

/** By a name that is no literal: the compiler does not ask for packages that may be absent. */
async function load<T>(name: string): Promise<T> {
  try {
    return (await import(name)) as T;
  } catch (failure) {
    const command = `npm install ${Object.values(PACKAGES).join(' ')}`;
    throw new ConfigurationError([
      `TRACE_MODE=opentelemetry needs the package ${name}, which cannot be loaded (${(failure as Error).message}): run ${command}, or set TRACE_MODE=triton`,
    ]);
  }
}
