import type { ModelVersionPolicy } from '../../../core/model/model-config.js';
import { compareVersions } from '../../../engine/registry/version-policy.js';

/** The versions that are served of those that are there, oldest first; without a policy the latest one. */
export function chooseVersions(policy: ModelVersionPolicy | undefined, available: readonly string[]): string[] {
  const versions = available.toSorted(compareVersions);
  if (policy?.all !== undefined) return versions;
  if (policy?.specific !== undefined) {
    const wanted = new Set(policy.specific.versions.map(String));
    return versions.filter((version) => wanted.has(version));
  }
  return versions.slice(-Math.max(1, policy?.latest?.num_versions ?? 1));
}

/** The versions that the policy names and that are not there. */
export const missingVersions = (policy: ModelVersionPolicy | undefined, available: readonly string[]): string[] =>
  (policy?.specific?.versions ?? []).map(String).filter((version) => !available.includes(version));
