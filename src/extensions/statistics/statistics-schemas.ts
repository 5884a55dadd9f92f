import { COUNT, listOf, mapOf, NamedSchema, objectOf, TEXT } from '../../protocol/rest/api/schema.js';

/** What the routes of the statistics answer. */

const DURATION = new NamedSchema('StatisticDuration', objectOf({ count: COUNT, ns: COUNT }));

const DURATIONS = mapOf(DURATION);

const MODEL_STATISTICS = new NamedSchema(
  'ModelStatistics',
  objectOf({
    name: TEXT,
    version: TEXT,
    last_inference: COUNT,
    inference_count: COUNT,
    execution_count: COUNT,
    inference_stats: DURATIONS,
    response_stats: mapOf(DURATIONS),
    batch_stats: listOf(
      objectOf({ batch_size: COUNT, compute_input: DURATION, compute_infer: DURATION, compute_output: DURATION }),
    ),
    memory_usage: listOf({ type: 'object' }),
  }),
);

export const STATISTICS = new NamedSchema('Statistics', objectOf({ model_stats: listOf(MODEL_STATISTICS) }));
