import { chapter, no, yes } from './feature.js';
import * as t from './files.js';

export const REPOSITORIES = [
  chapter('7.1', "Triton's layout", [
    yes('Folders of models, of versions, `config.pbtxt`', 'T', t.modelConfig('is read as it was written')),
    yes(
      'Completion from the file',
      'T',
      t.configured('are completed from the file where the configuration says nothing of them'),
      t.autoComplete('keeps what it says and gains what it does not'),
    ),
    yes('`default_model_filename`', 'T', t.configured('opens the file that it names, and no other')),
    yes(
      'The batch dimension',
      'T',
      t.configured('have the batch dimension that max_batch_size adds, and are held against it'),
    ),
    no('`configs/<name>.pbtxt`', 'T', 'not yet'),
    no(
      'Backends other than onnxruntime',
      'T',
      'a model in another language is a class behind `@Model`, or a remote model',
    ),
  ]),
  chapter('7.2', '`config.pbtxt`', [
    yes('Unknown fields are errors', 'T', t.modelConfig('names file, line and field: %s')),
    yes('`reshape`', 'T', t.configured('have another shape on the wire than for the model, with reshape')),
    yes('`label_filename`', 'T', t.configured('have the labels of their own file')),
    yes('`version_policy`', 'T', t.versionPolicy('are %s')),
    yes(
      '`dynamic_batching`',
      'T',
      t.configured('merges what waits with dynamic_batching, and refuses by its queue policy'),
    ),
    yes(
      'Ragged batches',
      'T',
      t.configured('merges requests of different shapes, with warm-up, and gives each its own part'),
    ),
    yes(
      '`sequence_batching`',
      'T',
      t.artifactSequences('runs the requests of different sequences as one batch, each with its controls'),
    ),
    yes('`ensemble_scheduling`', 'T', t.composed('is loaded after its models at the start')),
    yes(
      '`model_transaction_policy.decoupled`',
      'T',
      t.fixtureModels('repeat_int32 answers with each value and its place, in order'),
    ),
    yes('`model_warmup`', 'T', t.warmUp('runs as often as it says, in its batch size, before the model is ready')),
    yes(
      '`response_cache`',
      'T',
      t.composed('keeps answers of a model with response_cache'),
      t.cache('answers the same request once, and each caller under their own id'),
    ),
  ]),
  chapter('7.3', 'Control modes', [
    yes(
      '`none`',
      'T',
      t.repository('refuses to load and unload with MODEL_CONTROL_MODE=none, where everything is loaded'),
    ),
    yes('`poll`', 'T', t.polling('serves what comes, what changes anew, and what goes no more')),
    yes('`explicit`', 'T', t.repository('asks for those that were named')),
    yes(
      'Several repositories',
      'T',
      t.severalRepositories('has both layouts in one repository, and several repositories'),
    ),
    no('`--model-namespacing`', 'T', 'a name that stands twice is an error'),
    no('`--rate-limit`', 'T', 'its resources are those of GPUs; callers are limited by rate'),
  ]),
  chapter('7.4', "MLServer's layout", [
    yes(
      '`model-settings.json`',
      'M',
      t.severalRepositories('runs on the runtime that its implementation names, by backend or platform'),
    ),
    yes('Versions of free text', 'M', t.severalRepositories('has versions of free text, each in a folder of its own')),
    yes(
      '`max_batch_size` and `max_batch_time`',
      'M',
      t.severalRepositories('merges requests by max_batch_size and max_batch_time, in seconds'),
    ),
    no('`environment_tarball` and Python implementations', 'M', 'a class behind `@Model` stands in their place'),
  ]),
];
