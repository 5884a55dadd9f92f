import { Injectable } from '@nestjs/common';
import { invalidArgument, malformedVersion } from '../../core/errors/catalogue.js';
import type { InferenceCall } from '../../core/inference/call.js';
import { ModelAccess } from '../../core/inference/model-access.js';
import type { ModelHandle } from '../../engine/registry/model-handle.js';
import { ModelRegistry } from '../../engine/registry/model-registry.js';
import { isNumericVersion } from '../../engine/registry/version-policy.js';
import { StatisticsObserver } from './statistics-observer.js';
import { reportOf, type StatisticsReport } from './statistics-report.js';

/** Answers with the statistics of loaded models, for both wires. */
@Injectable()
export class StatisticsService {
  constructor(
    private readonly registry: ModelRegistry,
    private readonly observer: StatisticsObserver,
    private readonly access: ModelAccess,
  ) {}

  /**
   * Of one version, of all versions of a model where that is empty, or of every model that the caller may see where
   * the name is. Throws `invalid-argument` for what is not loaded.
   */
  async report(call: InferenceCall, name: string, version: string): Promise<{ model_stats: StatisticsReport[] }> {
    const handles = name === '' ? await this.visible(call) : this.named(name, version);
    return { model_stats: handles.map((handle) => reportOf(handle, this.observer.of(handle))) };
  }

  private async visible(call: InferenceCall): Promise<ModelHandle[]> {
    const names = await this.access.visible(call, 'statistics', this.registry.names().sort());
    return names.flatMap((name) => this.loaded(name));
  }

  private named(name: string, version: string): ModelHandle[] {
    const loaded = this.loaded(name);
    if (loaded.length === 0) throw invalidArgument(`requested model '${name}' is not available`);
    if (version === '') return loaded;
    const asked = loaded.filter((handle) => handle.version === version);
    if (asked.length > 0) return asked;
    throw isNumericVersion(version)
      ? invalidArgument(`requested model version is not available for model '${name}'`)
      : malformedVersion(version);
  }

  private loaded(name: string): ModelHandle[] {
    return (this.registry.versionsOf(name) ?? []).flatMap(({ handle }) => handle ?? []);
  }
}
