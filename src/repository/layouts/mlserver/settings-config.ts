import type { ModelConfig } from '../../../core/model/model-config.js';
import { toModelConfig } from '../triton/model-config-schema.js';
import type { ModelSettings } from './read-model-settings.js';

/** The settings as a configuration: how requests are merged, whether answers are kept, what the runtime is told. */
export function settingsConfig(
  { maxBatchSize, maxBatchTime, cacheEnabled, parameters: { extra } }: ModelSettings,
  runtime: Pick<ModelConfig, 'backend' | 'platform'>,
): ModelConfig {
  const texts = Object.entries(extra).flatMap(([name, value]) =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? [[name, { string_value: String(value) }] as const]
      : [],
  );
  return toModelConfig({
    ...runtime,
    version_policy: { all: {} },
    parameters: Object.fromEntries(texts),
    ...(maxBatchSize > 1
      ? {
          max_batch_size: maxBatchSize,
          dynamic_batching: { max_queue_delay_microseconds: Math.round(maxBatchTime * 1e6) },
        }
      : {}),
    ...(cacheEnabled ? { response_cache: { enable: true } } : {}),
  });
}
