import { Int, OneOf, Text } from '../../config/keys.js';

/** Traces of single inferences: when each of their parts began, and the tensors that went through. */
export class TraceConfig {
  @OneOf('Where traces go: to files (triton), or to a collector (opentelemetry).', ['triton', 'opentelemetry'])
  readonly TRACE_MODE: 'triton' | 'opentelemetry' = 'triton';

  @Text(
    'The file that traces are written to, and the beginning of the names of numbered ones; its folder must exist. Without it, callers cannot turn traces on.',
  )
  readonly TRACE_FILE: string = '';

  @OneOf('What is traced from the start on; callers may change it.', [
    'OFF',
    'TIMESTAMPS',
    'TENSORS',
    'TIMESTAMPS,TENSORS',
  ])
  readonly TRACE_LEVEL: 'OFF' | 'TIMESTAMPS' | 'TENSORS' | 'TIMESTAMPS,TENSORS' = 'OFF';

  @Int('Of how many requests one is traced; callers may change it.', { min: 1, max: 4_294_967_295 })
  readonly TRACE_RATE: number = 1_000;

  @Int('How many traces are made in all; -1 for no end. Callers may change it.', { min: -1, max: 2_147_483_647 })
  readonly TRACE_COUNT: number = -1;

  @Int(
    'How many traces go into each numbered file; 0 for one file, complete when the server ends. Callers may change it.',
    {
      min: 0,
      max: 4_294_967_295,
    },
  )
  readonly TRACE_LOG_FREQUENCY: number = 0;

  @Int('How many bytes the server may write to trace files; what comes after that is lost, which is logged.', {
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
  })
  readonly TRACE_MAX_BYTES: number = 268_435_456;

  @Text('Where the collector of TRACE_MODE=opentelemetry takes spans, by OTLP over HTTP.')
  readonly TRACE_OTLP_URL: string = 'http://localhost:4318/v1/traces';
}
