import type { ServedModel } from '../../core/inference/served-model.js';
import type { ContentType } from '../../core/model/content-types.js';
import type { ModelConfig } from '../../core/model/model-config.js';
import type { ServableModel } from '../../core/model/provider.js';
import type { NamedSpec } from '../../core/model/signature.js';
import { unlessAborted } from './abort.js';
import { AdaptingExecutor } from './adapting-executor.js';
import { InProcessExecutor } from './in-process-executor.js';
import type { ModelExecutor } from './model-executor.js';
import type { OpenedModel } from './model-opener.js';

/** A loaded version of a model, with the place where it runs. */
export class RunnableModel implements ServedModel {
  readonly inputs: readonly NamedSpec[];
  readonly outputs: readonly NamedSpec[];
  readonly model: ServableModel;
  readonly executor: ModelExecutor;
  readonly maxBatchSize: number;
  readonly isCached: boolean;
  readonly contentType: ContentType | undefined;
  readonly hasContentTypes: boolean;
  /** The models of this server that it calls. */
  readonly dependsOn: readonly string[];
  readonly outputNames: ReadonlySet<string>;
  /** What the model says of itself; absent for one that is made in tests, or for a step of a larger one. */
  readonly config: ModelConfig | undefined;
  private readonly abandoned = new Set<Promise<unknown>>();

  constructor(
    readonly name: string,
    readonly version: string,
    opened: OpenedModel,
  ) {
    const { inputs, outputs, model, scheduling = {}, availability, adaptation, dependsOn = [] } = opened;
    this.inputs = inputs;
    this.outputs = outputs;
    this.contentType = opened.contentType;
    this.hasContentTypes =
      this.contentType !== undefined || [...inputs, ...outputs].some(({ contentType }) => contentType !== undefined);
    this.model = model;
    const {
      batching,
      maxBatchSize = batching?.maxSize ?? 0,
      instances = batching === undefined ? Infinity : 1,
    } = scheduling;
    this.maxBatchSize = maxBatchSize;
    const executor = opened.executor ?? new InProcessExecutor(model, instances, availability);
    this.executor = adaptation === undefined ? executor : new AdaptingExecutor(executor, adaptation);
    this.dependsOn = dependsOn;
    // What depends on the requests before is never kept.
    this.isCached = scheduling.cache === true && scheduling.sequence === undefined;
    this.outputNames = new Set(outputs.map((spec) => spec.name));
    this.config = opened.config;
  }

  /** Whether one request may be answered by any number of responses. */
  get decoupled(): boolean {
    return this.executor.infer === undefined;
  }

  /** Keeps the model from being released under a run whose caller has gone. */
  abandon(run: Promise<unknown>): void {
    const ended: Promise<unknown> = run.catch(() => undefined).finally(() => this.abandoned.delete(ended));
    this.abandoned.add(ended);
  }

  /** Waits for the runs that nobody waits for, unless there is a hurry. */
  async settled(hurry: AbortSignal): Promise<void> {
    await unlessAborted(Promise.all(this.abandoned), hurry).catch(() => undefined);
  }
}
