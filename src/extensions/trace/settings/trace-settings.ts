import { TraceSetting } from './trace-setting.js';
import type { TraceChange, TraceValues } from './trace-values.js';

const NONE: ReadonlySet<keyof TraceValues> = new Set();

/** What holds for the server, and for the models that have settings of their own: whatever they leave open is the server's. */
export class TraceSettings {
  private global: TraceSetting;
  private readonly models = new Map<string, TraceSetting>();

  /** `check` throws where values cannot hold. */
  constructor(
    private readonly defaults: TraceValues,
    private readonly check: (values: TraceValues) => void,
  ) {
    this.global = new TraceSetting(defaults, NONE);
  }

  /** An empty name for the server's. */
  of(model: string): TraceSetting {
    return this.models.get(model) ?? this.global;
  }

  get isActive(): boolean {
    return this.global.isActive || [...this.models.values()].some((setting) => setting.isActive);
  }

  /** Changes all that the change touches, or nothing where it throws; returns the settings that no longer hold. */
  update(model: string, change: TraceChange): readonly TraceSetting[] {
    if (model !== '')
      return this.replace(this.global, new Map([[model, this.changed(this.models.get(model), this.global, change)]]));
    const global = this.changed(this.global, undefined, change);
    const models = [...this.models].map(([name, setting]) => [name, this.changed(setting, global, {})] as const);
    return this.replace(global, new Map(models));
  }

  private changed(
    current: TraceSetting | undefined,
    outer: TraceSetting | undefined,
    change: TraceChange,
  ): TraceSetting {
    const inherited = outer === undefined ? this.defaults : { ...outer.values, count: outer.count };
    const values: Record<string, unknown> = { ...inherited };
    const own = new Set(current?.own);
    for (const key of Object.keys(inherited) as (keyof TraceValues)[]) {
      const given = change[key];
      if (given === null) own.delete(key);
      else if (given !== undefined) own.add(key);
      if (own.has(key)) values[key] = given ?? (key === 'count' ? current?.count : current?.values[key]);
    }
    const setting = new TraceSetting(values as unknown as TraceValues, own);
    this.check(setting.values);
    return setting;
  }

  private replace(global: TraceSetting, models: ReadonlyMap<string, TraceSetting>): TraceSetting[] {
    const replaced: TraceSetting[] = [];
    if (global !== this.global) replaced.push(this.global);
    this.global = global;
    for (const [name, setting] of models) {
      replaced.push(...[this.models.get(name) ?? []].flat());
      if (setting.own.size === 0) this.models.delete(name);
      else this.models.set(name, setting);
    }
    return replaced;
  }
}
