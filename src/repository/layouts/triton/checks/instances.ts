import type { ModelConfig } from '../../../../core/model/model-config.js';

/** What is wrong with the instance groups of a configuration. */
export function* instanceProblems({ instance_group }: ModelConfig): Generator<string> {
  for (const [index, { count, kind, gpus, passive }] of instance_group.entries()) {
    const at = `instance_group[${index}]`;
    if (count < 0) yield `${at}.count: ${count} is no number of instances: use at least 1, or 0 for the default`;
    if ((kind === 'KIND_CPU' || kind === 'KIND_MODEL') && gpus.length > 0) {
      yield `${at}.gpus: [${gpus.join(', ')}] does not go with ${kind}: remove it`;
    }
    if (passive && instance_group.every((group) => group.passive)) {
      yield `${at}.passive: true leaves no instance that serves: add a group that is not passive`;
    }
  }
}
