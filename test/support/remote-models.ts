import type { ModelConfig } from '../../src/core/model/model-config.js';
import { ModelLoader } from '../../src/engine/registry/model-loader.js';
import { RemoteRuntime } from '../../src/runtimes/remote/remote.runtime.js';
import type { TestServer } from '#testing';

export interface RemoteParts {
  readonly upstream?: string;
  readonly model?: string;
  readonly version?: string;
  readonly decoupled?: boolean;
}

/** The configuration of a remote model, as its folder would say it. */
export function remoteConfig({ decoupled = false, ...texts }: RemoteParts): ModelConfig {
  const parameters = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, { string_value: text }]));
  return { parameters, model_transaction_policy: { decoupled } } as Partial<ModelConfig> as ModelConfig;
}

/** Has a server load a model that runs on an upstream of its configuration. Rejects with the reason of a failed load. */
export async function loadRemote(server: TestServer, name: string, parts: RemoteParts): Promise<void> {
  const runtime = server.get(RemoteRuntime);
  const artifact = { name, version: '1', path: 'remote', config: remoteConfig(parts) };
  await server.get(ModelLoader).load(name, () =>
    Promise.resolve([
      {
        version: '1',
        platform: 'remote',
        fingerprint: JSON.stringify(parts),
        open: (context) => runtime.load(artifact, context),
      },
    ]),
  );
}
