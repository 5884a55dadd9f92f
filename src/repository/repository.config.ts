import { Bool, List, OneOf, Text } from '../config/keys.js';

/** The model repository, and who decides which of its models are loaded. */
export class RepositoryConfig {
  @Text('The folder of the models, relative to the working directory.')
  readonly MODEL_REPOSITORY: string = 'model-repository';

  @OneOf('Whether models are loaded and unloaded by calls (explicit), or all at start and never again (none).', [
    'explicit',
    'none',
  ])
  readonly MODEL_CONTROL_MODE: 'explicit' | 'none' = 'explicit';

  @List('The models to load at start in explicit mode: "*" for all, a lone comma for none.')
  readonly LOAD_MODELS: readonly string[] = ['*'];

  @Bool('Whether the server is ready although all models were asked for and the repository has none.')
  readonly ALLOW_EMPTY_REPOSITORY: boolean = false;
}
