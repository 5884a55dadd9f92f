import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { ModelLoader } from '../../engine/registry/model-loader.js';
import { RepositoryConfig } from '../repository.config.js';
import { ModelCatalogue } from '../sources/model-catalogue.js';
import { BringUp } from './bring-up.js';

/** Loads what comes into the repositories, reloads what changes, and unloads what goes, with MODEL_CONTROL_MODE=poll. */
@Injectable()
export class RepositoryPoller implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Repository');
  /** What each model consisted of when it was last looked at. */
  private known: ReadonlyMap<string, string> = new Map();
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(
    private readonly catalogue: ModelCatalogue,
    private readonly bringUp: BringUp,
    private readonly loader: ModelLoader,
    private readonly config: RepositoryConfig,
  ) {}

  /** Takes what is there as loaded. */
  async remember(): Promise<void> {
    if (this.isPolling) this.known = await this.look();
  }

  /** Looks again, time and again, from the first interval on. */
  start(): void {
    if (!this.isPolling || this.isStopped) return;
    this.timer = setTimeout(() => void this.poll().finally(() => this.start()), this.config.REPOSITORY_POLL_MS).unref();
  }

  beforeApplicationShutdown(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private get isPolling(): boolean {
    return this.config.MODEL_CONTROL_MODE === 'poll';
  }

  private async poll(): Promise<void> {
    try {
      const before = this.known;
      const now = await this.look();
      if (this.isStopped) return;
      // What fails is not tried again before it changes.
      this.known = now;
      const changed = [...now].flatMap(([name, parts]) => (before.get(name) === parts ? [] : [name]));
      const gone = [...before.keys()].filter((name) => !now.has(name));
      if (changed.length > 0) await (await this.bringUp.all(changed)).loaded;
      for (const model of gone) {
        await this.loader.unload(model);
        this.logger.log({ message: 'model unloaded, for its folder has gone', model });
      }
    } catch (failure) {
      this.logger.error({ message: 'the repositories cannot be read' }, (failure as Error).stack);
    }
  }

  /** Every model with its versions and what they are made of; a name that stands twice is left as it was. */
  private async look(): Promise<ReadonlyMap<string, string>> {
    const twice = await this.catalogue.twice();
    const looked = (await this.catalogue.names()).map(async (name) => [name, await this.partsOf(name, twice)] as const);
    return new Map(
      (await Promise.all(looked)).flatMap(([name, parts]) => (parts === undefined ? [] : [[name, parts]])),
    );
  }

  /** `undefined` for a model without versions. */
  private async partsOf(name: string, twice: ReadonlyMap<string, unknown>): Promise<string | undefined> {
    if (twice.has(name)) return this.known.get(name);
    // A folder that goes while it is looked at.
    const candidates = await this.catalogue.versions(name).catch(() => []);
    if (candidates.length === 0) return undefined;
    return JSON.stringify(candidates.map(({ version, fingerprint }) => [version, fingerprint]));
  }
}
