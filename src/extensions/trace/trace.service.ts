import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ConfigurationError } from '../../config/configuration-error.js';
import { invalidArgument } from '../../core/errors/catalogue.js';
import { EVERY_MODEL, ModelAccess } from '../../core/inference/model-access.js';
import { InferenceObservers } from '../../engine/pipeline/inference-observers.js';
import { ModelRegistry } from '../../engine/registry/model-registry.js';
import type { CallContext } from '../../protocol/call/call-context.js';
import { TraceSink } from './output/trace-sink.js';
import type { Trace } from './recording/trace.js';
import { TraceRecorder } from './recording/trace-recorder.js';
import { type GivenSettings, readTraceChange } from './settings/trace-change.js';
import { TraceSettings } from './settings/trace-settings.js';
import type { TraceLevel, TraceValues } from './settings/trace-values.js';
import { TraceConfig } from './trace.config.js';

/** All settings by name; each but `trace_level` has one value. */
export type SettingsReport = Readonly<Record<string, readonly string[]>>;

/** Keeps what is to be traced, for both wires, and has it traced: while nothing is, no request is looked at. */
@Injectable()
export class TraceService implements OnModuleInit, OnApplicationShutdown {
  private readonly settings: TraceSettings;
  private readonly recorder = new TraceRecorder(
    (model) => this.settings.of(model),
    (trace) => this.collect(trace),
  );

  constructor(
    private readonly registry: ModelRegistry,
    private readonly observers: InferenceObservers,
    private readonly access: ModelAccess,
    private readonly sink: TraceSink,
    private readonly config: TraceConfig,
  ) {
    this.settings = new TraceSettings(valuesOf(config), (values) => this.check(values));
  }

  onModuleInit(): void {
    try {
      if (this.settings.isActive) this.sink.assertReady();
    } catch (failure) {
      throw new ConfigurationError([`TRACE_LEVEL=${this.config.TRACE_LEVEL}: ${(failure as Error).message}`]);
    }
    this.watch();
  }

  onApplicationShutdown(): Promise<void> {
    return this.sink.end();
  }

  /**
   * Changes the settings that are given, of a model or, with an empty name, of the server; answers with all that hold
   * then. Throws `permission-denied` where the caller has no right to traces of all models and names none,
   * `invalid-argument` for an unknown model and for values that cannot be, `unimplemented` for what only the operator
   * can change; nothing is changed then.
   */
  async update(call: CallContext, model: string, given: GivenSettings): Promise<SettingsReport> {
    if (model !== '' && !this.isReady(model)) throw invalidArgument(`Request for unknown model : ${model}`);
    call.onlyLooks = given.length === 0;
    if (given.length > 0) {
      if (model === '') await this.access.check(call, 'trace', EVERY_MODEL);
      for (const replaced of this.settings.update(model, readTraceChange(given))) {
        replaced.retire();
        this.sink.release(replaced);
      }
      this.watch();
    }
    return this.report(model);
  }

  private report(model: string): SettingsReport {
    const { values, count } = this.settings.of(model);
    const { levels, rate, logFrequency } = values;
    return {
      trace_level: levels.length === 0 ? ['OFF'] : levels,
      trace_rate: [String(rate)],
      trace_count: [String(count)],
      ...this.sink.describe(logFrequency),
    };
  }

  private isReady(model: string): boolean {
    return this.registry.versionsOf(model)?.some(({ handle }) => handle !== undefined) ?? false;
  }

  private check({ levels, rate }: TraceValues): void {
    if (levels.length === 0) return;
    if (rate === 0) throw invalidTraceSetting('sample rate must be non-zero');
    try {
      this.sink.assertReady();
    } catch (failure) {
      throw invalidTraceSetting((failure as Error).message);
    }
  }

  private collect(trace: Trace): void {
    trace.setting.collect();
    this.sink.accept(trace);
    this.watch();
  }

  /** Requests are looked at only while one of them may be traced. */
  private watch(): void {
    if (this.settings.isActive) this.observers.add(this.recorder);
    else if (this.recorder.isIdle) this.observers.remove(this.recorder);
  }
}

const invalidTraceSetting = (reason: string) => invalidArgument(`Attempting to set invalid trace setting :${reason}`);

const valuesOf = ({ TRACE_LEVEL, TRACE_RATE, TRACE_COUNT, TRACE_LOG_FREQUENCY }: TraceConfig): TraceValues => ({
  levels: TRACE_LEVEL === 'OFF' ? [] : (TRACE_LEVEL.split(',') as TraceLevel[]),
  rate: TRACE_RATE,
  count: TRACE_COUNT,
  logFrequency: TRACE_LOG_FREQUENCY,
});
