import type { TraceConfig } from '../trace.config.js';
import { TraceFiles } from './trace-files.js';
import type { TraceSink } from './trace-sink.js';

/** The sink of the configured mode; what it needs is loaded only then. */
export async function openTraceSink(config: TraceConfig): Promise<TraceSink> {
  if (config.TRACE_MODE === 'triton') return new TraceFiles(config);
  const { openCollector } = await import('./open-telemetry/open-collector.js');
  return openCollector(config.TRACE_OTLP_URL);
}
