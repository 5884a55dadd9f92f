import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ModelConfig } from '../../core/model/model-config.js';
import { isNumericVersion } from '../../engine/registry/version-policy.js';
import type { FoundVersion } from './found-version.js';

/** The agent of Triton whose parameters are digests: `MD5:1/model.onnx`, a path in the model's folder. */
const AGENT = 'checksum';

const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['MD5', 'md5'],
  ['SHA256', 'sha256'],
]);

interface Digest {
  readonly algorithm: string;
  readonly file: string;
  readonly expected: string;
}

/**
 * Holds the files of a version against the digests of its configuration. Throws for one that is another, and with
 * `required` for a file of the version that has none.
 */
export async function checkDigests(found: FoundVersion, required: boolean): Promise<void> {
  const { version, folder, place, files, config, configPath } = found;
  const digests = digestsOf(config, configPath).filter(({ file }) => !isOfAnother(version, file));
  if (required) {
    const known = new Set(digests.map(({ file }) => file));
    const unknown = files.map((file) => join(place, file)).find((file) => !known.has(file));
    if (unknown !== undefined) {
      throw new Error(
        `${configPath}: '${unknown}' has no digest, which REQUIRE_MODEL_DIGESTS asks for: ` +
          `write model_repository_agents with the agent '${AGENT}' and a parameter 'SHA256:${unknown}'`,
      );
    }
  }
  for (const { algorithm, file, expected } of digests) {
    const hash = createHash(ALGORITHMS.get(algorithm) ?? '');
    await pipeline(createReadStream(await folder.locate(file)), hash);
    const digest = hash.digest('hex');
    if (digest === expected) continue;
    throw new Error(
      `${configPath}: '${file}' has the ${algorithm} ${digest}, not ${expected}: put the file there that it is of`,
    );
  }
}

function digestsOf(config: ModelConfig | undefined, path: string): Digest[] {
  const agents = config?.model_repository_agents?.agents ?? [];
  const entries = agents.flatMap(({ name, parameters }) => (name === AGENT ? Object.entries(parameters) : []));
  return entries.map(([key, value]) => {
    const colon = key.indexOf(':');
    const [algorithm, file] = [key.slice(0, colon), join(key.slice(colon + 1))];
    if (colon > 0 && ALGORITHMS.has(algorithm)) return { algorithm, file, expected: value.trim().toLowerCase() };
    const known = [...ALGORITHMS.keys()].map((each) => `${each}:<file>`).join(', ');
    throw new Error(
      `${path}: model_repository_agents: the parameter '${key}' of '${AGENT}' is no digest: use ${known}`,
    );
  });
}

/** Each version is held against its own files, and against those that all versions share. */
function isOfAnother(version: string, file: string): boolean {
  const [first = ''] = file.split('/');
  return isNumericVersion(first) && first !== version;
}
