import { ArrayNotEmpty } from '../config/class-validator.js';
import { Bool, Int, List, OneOf } from '../config/keys.js';

const MAX_INT = 2_147_483_647;

/** The model repositories, and who decides which of their models are loaded. */
export class RepositoryConfig {
  @ArrayNotEmpty({ message: 'at least one folder' })
  @List('The folders of the models, relative to the working directory.')
  readonly MODEL_REPOSITORY: readonly string[] = ['model-repository'];

  @OneOf(
    'Whether models are loaded and unloaded by calls (explicit), by what changes in the repositories (poll), or all at start and never again (none).',
    ['explicit', 'poll', 'none'],
  )
  readonly MODEL_CONTROL_MODE: 'explicit' | 'poll' | 'none' = 'explicit';

  @Int('How long it takes until the repositories are looked at again, in milliseconds; only with poll.', {
    min: 1,
    max: MAX_INT,
  })
  readonly REPOSITORY_POLL_MS: number = 15_000;

  @Int('How many files and folders a repository has at most; one with more is not read.', { min: 1, max: MAX_INT })
  readonly REPOSITORY_MAX_ENTRIES: number = 100_000;

  @List('The folders outside a repository that its links may lead to, as those of ModelMesh do. Default: none.')
  readonly REPOSITORY_LINK_TARGETS: readonly string[] = [];

  @Bool('Whether every file of a version in a repository needs a digest in its config.pbtxt to be loaded.')
  readonly REQUIRE_MODEL_DIGESTS: boolean = false;

  @List('The models to load at start in explicit mode: "*" for all, a lone comma for none.')
  readonly LOAD_MODELS: readonly string[] = ['*'];

  @Bool('Whether the server is ready although all models were asked for and the repository has none.')
  readonly ALLOW_EMPTY_REPOSITORY: boolean = false;

  @Int(
    'The largest batch of a model that could batch and says nothing of it; such a model merges its requests. 0: no batches.',
    {
      min: 0,
      max: MAX_INT,
    },
  )
  readonly DEFAULT_MAX_BATCH_SIZE: number = 0;
}
