import { readFileSync } from 'node:fs';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { ConfigurationError } from '../../../config/configuration-error.js';
import type { RemoteConfig } from '../remote.config.js';
import { Upstream } from './upstream.js';

/** The upstreams that are configured; their connections are open while a model uses them. */
export class Upstreams {
  private readonly targets: ReadonlyMap<string, string>;
  private readonly credentials: ChannelCredentials;
  private readonly open = new Map<string, { readonly upstream: Upstream; users: number }>();

  /** Throws a `ConfigurationError` for authorities that cannot be read. */
  constructor(private readonly config: RemoteConfig) {
    this.targets = new Map(
      config.REMOTE_UPSTREAMS.map((entry) => {
        const at = entry.indexOf('=');
        return [entry.slice(0, at), entry.slice(at + 1)];
      }),
    );
    this.credentials = credentialsOf(config);
  }

  /** Each success is to be followed by a {@link release}. Throws for a name that is not configured. */
  acquire(name: string): Upstream {
    const known = this.open.get(name);
    if (known !== undefined) {
      known.users += 1;
      return known.upstream;
    }
    const target = this.targets.get(name);
    if (target === undefined) throw new Error(unknownUpstream(name, [...this.targets.keys()]));
    const upstream = new Upstream({
      name,
      target,
      credentials: this.credentials,
      channels: this.config.REMOTE_CHANNELS,
      maxMessageBytes: this.config.REMOTE_MAX_MESSAGE_BYTES,
      retryShare: this.config.REMOTE_RETRY_BUDGET / 100,
      reconnectMs: this.config.REMOTE_BREAKER_OPEN_MS,
    });
    this.open.set(name, { upstream, users: 1 });
    return upstream;
  }

  /** The last user closes the connections. */
  release({ name }: Upstream): void {
    const known = this.open.get(name);
    if (known === undefined) return;
    known.users -= 1;
    if (known.users > 0) return;
    this.open.delete(name);
    known.upstream.close();
  }
}

function unknownUpstream(name: string, configured: readonly string[]): string {
  const known = configured.length === 0 ? 'there is none' : `there is ${configured.join(', ')}`;
  return `upstream '${name}' is not configured: use one of REMOTE_UPSTREAMS (${known}), or add it there`;
}

function credentialsOf({ REMOTE_TLS, REMOTE_TLS_CA }: RemoteConfig): ChannelCredentials {
  if (REMOTE_TLS_CA === undefined) return REMOTE_TLS ? credentials.createSsl() : credentials.createInsecure();
  try {
    return credentials.createSsl(readFileSync(REMOTE_TLS_CA));
  } catch (failure) {
    throw new ConfigurationError([`REMOTE_TLS_CA (${REMOTE_TLS_CA}): ${(failure as Error).message}`]);
  }
}
