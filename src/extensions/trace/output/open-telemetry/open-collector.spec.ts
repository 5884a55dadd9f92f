import { afterEach, expect, it, vi } from 'vitest';
import { fp32, type InferContext, Model, ModelClient, ServingError, signature } from '#core';
import { defineModel, serve } from '#testing';
import { captureLog } from '../../../../../test/support/captured-log.js';
import { get, inferOver, WIRES } from '../../../../../test/support/wires.js';
import type { SpanContext, Time } from './telemetry.js';

captureLog();

const rows = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });

const plain = defineModel('plain', rows, ({ x }) => {
  if (x.data.some((value) => value < 0)) throw new ServingError('failed-precondition', 'a value is negative');
  return { y: x };
});

@Model('caller', rows)
class CallerModel {
  constructor(private readonly models: ModelClient) {}

  async infer({ x }: { readonly x: ReturnType<typeof fp32.of> }, context: InferContext) {
    return (await this.models.infer('plain', { x }, context)) as { y: typeof x };
  }
}

/** What the packages of OpenTelemetry are asked for, without them: they are optional. */
class FakeSpan {
  readonly attributes: Record<string, string | number> = {};
  readonly events: string[] = [];
  status = '';
  ended: Time | undefined;

  constructor(
    readonly name: string,
    readonly parent: string,
    readonly startTime: Time,
  ) {}

  setAttribute(key: string, value: string | number): void {
    this.attributes[key] = value;
  }

  addEvent(name: string): void {
    this.events.push(name);
  }

  setStatus({ message }: { readonly message: string }): void {
    this.status = message;
  }

  end(time: Time): void {
    this.ended = time;
  }
}

const spans: FakeSpan[] = [];
const told: unknown[] = [];

function installPackages(): void {
  vi.doMock('@opentelemetry/api', () => ({
    ROOT_CONTEXT: { parent: 'none' },
    trace: { setSpan: (_: SpanContext, span: FakeSpan) => ({ parent: span.name }) },
  }));
  vi.doMock('@opentelemetry/core', () => ({
    W3CTraceContextPropagator: class {
      extract(
        context: SpanContext,
        carrier: { traceparent?: string },
        getter: { get: (c: object, k: string) => string },
      ) {
        const traceparent = getter.get(carrier, 'traceparent');
        return traceparent === undefined ? context : { parent: traceparent };
      }
    },
  }));
  vi.doMock('@opentelemetry/sdk-trace-base', () => ({
    BatchSpanProcessor: class {},
    BasicTracerProvider: class {
      getTracer() {
        return {
          startSpan: (name: string, { startTime }: { startTime: Time }, { parent }: { parent: string }) => {
            const span = new FakeSpan(name, parent, startTime);
            spans.push(span);
            return span;
          },
        };
      }

      shutdown() {
        told.push('shutdown');
        return Promise.resolve();
      }
    },
  }));
  vi.doMock('@opentelemetry/exporter-trace-otlp-http', () => ({
    OTLPTraceExporter: class {
      constructor(options: object) {
        told.push(options);
      }
    },
  }));
}

afterEach(() => {
  vi.doUnmock('@opentelemetry/api');
  vi.resetModules();
  spans.length = 0;
  told.length = 0;
});

const URL = 'http://collector.invalid/v1/traces';
const environment = {
  TRACE_MODE: 'opentelemetry',
  TRACE_LEVEL: 'TIMESTAMPS',
  TRACE_RATE: '1',
  TRACE_OTLP_URL: URL,
};
const input = { name: 'x', datatype: 'FP32', shape: [1], data: [1] };

it.each(WIRES)('sends spans of each request and its runs to the collector, over %s', async (wire) => {
  installPackages();
  const server = await serve([plain, CallerModel], { environment, headers: { traceparent: 'the caller' } });
  try {
    await inferOver[wire](server, { model: 'caller', id: 'r-1', inputs: [input] });
    await vi.waitFor(() => expect(spans).toHaveLength(5));
    expect(spans.map(({ name, parent }) => `${name} in ${parent}`)).toEqual([
      'InferRequest in the caller',
      'caller in InferRequest',
      'compute in caller',
      'plain in caller',
      'compute in plain',
    ]);
    const [root, caller, compute, step] = spans;
    expect(root?.events.map((name) => name.replace(/^[A-Z]+_/, ''))).toEqual(
      {
        grpc: ['WAITREAD_START', 'WAITREAD_END', 'SEND_START', 'SEND_END'],
        rest: ['RECV_START', 'RECV_END', 'SEND_START', 'SEND_END'],
      }[wire],
    );
    expect(caller?.events).toEqual(['REQUEST_START', 'QUEUE_START', 'INFER_RESPONSE_COMPLETE', 'REQUEST_END']);
    expect(compute?.events).toEqual(['COMPUTE_START', 'COMPUTE_INPUT_END', 'COMPUTE_OUTPUT_START', 'COMPUTE_END']);
    expect(caller?.attributes).toEqual({
      'triton.model_name': 'caller',
      'triton.model_version': '1',
      'triton.trace_id': 1,
      'triton.trace_parent_id': 0,
      'triton.request_id': 'r-1',
    });
    expect(step?.attributes).toMatchObject({ 'triton.trace_parent_id': 1 });
    const seconds = (time: Time | undefined) => (time === undefined ? 0 : time[0] + time[1] / 1e9);
    for (const { startTime, ended } of spans) {
      expect(Math.abs(seconds(startTime) - Date.now() / 1_000)).toBeLessThan(60);
      expect(seconds(ended)).toBeGreaterThanOrEqual(seconds(startTime));
    }
    const { reply } = await get('/v2/trace/setting')(server);
    const settings = { trace_level: ['TIMESTAMPS'], trace_rate: '1', trace_count: '-1' };
    expect(reply).toEqual({ ...settings, trace_mode: 'opentelemetry', url: URL });
  } finally {
    await server.close();
  }
  expect(told).toEqual([{ url: URL }, 'shutdown']);
});

it('tells the collector why a request failed', async () => {
  installPackages();
  await using server = await serve(plain, { environment });
  await inferOver.rest(server, { model: 'plain', inputs: [{ ...input, data: [-1] }] });
  await vi.waitFor(() => expect(spans).toHaveLength(3));
  expect(spans.map(({ name, parent, status }) => [name, parent, status])).toEqual([
    ['InferRequest', 'none', ''],
    ['plain', 'InferRequest', 'a value is negative'],
    ['compute', 'plain', ''],
  ]);
});

it('ends the start where its packages are not installed', async () => {
  vi.doMock('@opentelemetry/api', () => {
    throw new Error('no such package');
  });
  await expect(serve([], { environment })).rejects.toThrow(
    /TRACE_MODE=opentelemetry needs the package @opentelemetry\/api, which cannot be loaded .*: run npm install @opentelemetry\/api .*, or set TRACE_MODE=triton/s,
  );
});
