import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Readiness } from '../../engine/lifecycle/readiness.js';
import { RepositoryConfig } from '../repository.config.js';
import { ModelCatalogue } from '../sources/model-catalogue.js';
import { BringUp } from './bring-up.js';
import { RepositoryPoller } from './repository-poller.js';

/** Starts to load the models that the server was told to; the server is live meanwhile, and ready afterwards. */
@Injectable()
export class StartupLoader implements OnApplicationBootstrap {
  private readonly logger = new Logger('Repository');
  private loading: Promise<void> = Promise.resolve();

  constructor(
    private readonly catalogue: ModelCatalogue,
    private readonly bringUp: BringUp,
    private readonly readiness: Readiness,
    private readonly poller: RepositoryPoller,
    private readonly config: RepositoryConfig,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { MODEL_CONTROL_MODE, LOAD_MODELS, ALLOW_EMPTY_REPOSITORY } = this.config;
    const everything = MODEL_CONTROL_MODE !== 'explicit' || LOAD_MODELS.includes('*');
    const names = everything ? await this.catalogue.names() : LOAD_MODELS;
    await this.catalogue.assertUnique(names);
    const mayBeEmpty = !everything || ALLOW_EMPTY_REPOSITORY;
    if (names.length === 0 && !mayBeEmpty) this.logger.warn({ message: EMPTY });
    this.readiness.begin(names, mayBeEmpty);
    // Looked up before the ports open: the first caller can tell a model that is on its way from one that is not.
    await this.poller.remember();
    const { loaded } = await this.bringUp.all(names);
    this.loading = loaded.then(() => this.poller.start());
  }

  /** Resolves when every model of the start has come up or failed. */
  async settled(): Promise<void> {
    await this.loading;
  }
}

const EMPTY = 'there is no model to serve: not ready until one is loaded, or with ALLOW_EMPTY_REPOSITORY=true';
