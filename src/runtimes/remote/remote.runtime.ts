import { Logger } from '@nestjs/common';
import type { LoadContext } from '../../core/inference/context.js';
import type { LoadedModel, ModelArtifact, ModelRuntime } from '../../core/runtime/model-runtime.js';
import { Runtime } from '../../core/runtime/runtime.decorator.js';
import { DecoupledRemoteModel } from './decoupled-remote-model.js';
import { describeRemote, probeRemote, type RemoteDescription } from './describe-remote.js';
import { RemoteConfig } from './remote.config.js';
import { RemoteCalls } from './remote-calls.js';
import { RemoteModel } from './remote-model.js';
import { type RemoteTarget, remoteTarget } from './remote-target.js';
import { Breaker } from './upstream/breaker.js';
import type { CallLimits } from './upstream/call-limits.js';
import { retry } from './upstream/retries.js';
import type { Upstream } from './upstream/upstream.js';
import { isUnavailable } from './upstream/upstream-failure.js';
import { Upstreams } from './upstream/upstreams.js';

/**
 * Serves models of other servers of the protocol, over gRPC. A model's configuration names an upstream by the name it
 * has in REMOTE_UPSTREAMS; where that is, no folder and no request can say.
 */
@Runtime({ platform: 'remote', backend: 'remote', artifact: 'remote' })
export class RemoteRuntime implements ModelRuntime {
  private readonly logger = new Logger('Remote');
  private readonly upstreams: Upstreams;

  constructor(private readonly config: RemoteConfig) {
    this.upstreams = new Upstreams(config);
  }

  async load(artifact: ModelArtifact, { signal }: LoadContext): Promise<LoadedModel> {
    const target = remoteTarget(artifact);
    const upstream = this.upstreams.acquire(target.upstream);
    try {
      return this.open(artifact, upstream, target, await this.describe(upstream, target, signal));
    } catch (failure) {
      this.upstreams.release(upstream);
      const { message } = failure as Error;
      throw new Error(`upstream '${upstream.name}' cannot serve model '${target.model}': ${message}`, {
        cause: failure,
      });
    }
  }

  /** An upstream that starts at the same time is waited for. Where it does not come up, the reason is why. */
  private async describe(upstream: Upstream, target: RemoteTarget, signal: AbortSignal): Promise<RemoteDescription> {
    const limits = this.limits(signal);
    let unavailable: unknown;
    const mayRepeat = (failure: unknown): boolean => {
      unavailable = failure;
      return isUnavailable(failure);
    };
    try {
      return await retry(() => describeRemote(upstream, target, limits), mayRepeat, limits);
    } catch (failure) {
      throw isUnavailable(unavailable) && !signal.aborted ? unavailable : failure;
    }
  }

  private open(
    { name: model, version, config }: ModelArtifact,
    upstream: Upstream,
    target: RemoteTarget,
    { inputs, outputs, isDecoupled }: RemoteDescription,
  ): LoadedModel {
    const breaker = new Breaker({
      failures: this.config.REMOTE_BREAKER_FAILURES,
      openMs: this.config.REMOTE_BREAKER_OPEN_MS,
      probe: (signal) => probeRemote(upstream, target, this.limits(signal)),
    });
    breaker.onChange(() => {
      const { outage: reason } = breaker;
      if (reason === undefined) this.logger.log({ message: 'a remote model answers again', model, version });
      else this.logger.warn({ message: 'a remote model is not ready', model, version, reason });
    });
    const calls = new RemoteCalls(upstream, target, breaker, this.config.REMOTE_METADATA_TIMEOUT_MS);
    const unload = (): void => {
      breaker.stop();
      this.upstreams.release(upstream);
    };
    const Model =
      isDecoupled || config?.model_transaction_policy?.decoupled === true ? DecoupledRemoteModel : RemoteModel;
    return { inputs, outputs, model: new Model(calls, outputs, unload), availability: breaker };
  }

  private limits(signal: AbortSignal): CallLimits {
    return { signal, deadline: Date.now() + this.config.REMOTE_METADATA_TIMEOUT_MS };
  }
}
