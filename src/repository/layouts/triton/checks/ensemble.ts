import type { EnsembleStep, ModelConfig, ModelEnsembling } from '../../../../core/model/model-config.js';
import { duplicates } from './duplicates.js';

const PLATFORM = 'ensemble';

/** What is wrong with an ensemble's steps and with the tensors that run between them. */
export function* ensembleProblems(config: ModelConfig): Generator<string> {
  const { platform, backend, ensemble_scheduling: ensemble, instance_group } = config;
  if (ensemble === undefined) {
    if (platform === PLATFORM)
      yield `ensemble_scheduling: is missing, though platform is '${PLATFORM}': list the steps`;
    return;
  }
  if (platform !== PLATFORM) {
    yield `platform: '${platform}' does not go with ensemble_scheduling: write '${PLATFORM}'`;
  }
  if (backend !== '') yield `backend: '${backend}' does not go with ensemble_scheduling: leave it out`;
  if (instance_group.length > 0) {
    yield `instance_group: holds ${instance_group.length} groups, though an ensemble has no instances: remove it`;
  }
  if (config.input.length === 0) yield 'input: [] cannot be completed for an ensemble: list its inputs';
  if (config.output.length === 0) yield 'output: [] cannot be completed for an ensemble: list its outputs';
  if (ensemble.step.length === 0) yield 'ensemble_scheduling.step: [] runs nothing: list the steps';
  for (const [index, step] of ensemble.step.entries()) yield* stepProblems(index, step);
  yield* graphProblems(config, ensemble);
}

function* stepProblems(index: number, { model_name, model_version, input_map, output_map }: EnsembleStep) {
  const at = `ensemble_scheduling.step[${index}]`;
  if (model_name === '') yield `${at}.model_name: '' is no model: name one`;
  if (model_version !== -1 && model_version < 0) {
    yield `${at}.model_version: ${model_version} is no version: use -1 for the latest`;
  }
  if (Object.keys(input_map).length === 0) yield `${at}.input_map: is empty: map the inputs of '${model_name}'`;
  if (Object.keys(output_map).length === 0) yield `${at}.output_map: is empty: map the outputs of '${model_name}'`;
}

function* graphProblems({ input, output }: ModelConfig, { step }: ModelEnsembling): Generator<string> {
  const inputs = input.map(({ name }) => name);
  const written = [...inputs, ...step.flatMap(({ output_map }) => Object.values(output_map))];
  const made = new Set(written);
  for (const tensor of duplicates(written)) {
    yield (
      `ensemble_scheduling: ensemble tensor '${tensor}' can appear in an output map only once, and not as an ` +
      'input too: use another name'
    );
  }
  const reached = reachable(inputs, step);
  for (const [index, { input_map }] of step.entries()) {
    for (const tensor of Object.values(input_map)) {
      if (reached.has(tensor)) continue;
      yield (
        `ensemble_scheduling.step[${index}].input_map: '${tensor}' is ` +
        (made.has(tensor) ? 'made by a cycle of steps: break it' : 'no input and made by no step: make it')
      );
    }
  }
  for (const { name } of output) {
    if (!made.has(name)) yield `output: '${name}' is made by no step: map an output of a step to it`;
  }
  const read = new Set(step.flatMap(({ input_map }) => Object.values(input_map)));
  for (const name of inputs) {
    if (!read.has(name)) yield `input: '${name}' is read by no step: map it to an input of a step, or remove it`;
  }
}

/** The tensors that come to be when steps run as soon as their inputs are there. */
function reachable(inputs: readonly string[], steps: readonly EnsembleStep[]): Set<string> {
  const reached = new Set(inputs);
  const readers = new Map<string, Set<EnsembleStep>>();
  const missing = new Map<EnsembleStep, number>();
  const run = ({ output_map }: EnsembleStep): void => Object.values(output_map).forEach((made) => reached.add(made));
  for (const step of steps) {
    const tensors = new Set(Object.values(step.input_map));
    missing.set(step, tensors.size);
    if (tensors.size === 0) run(step);
    for (const tensor of tensors) {
      const others = readers.get(tensor);
      if (others === undefined) readers.set(tensor, new Set([step]));
      else others.add(step);
    }
  }
  // A set that is walked also gives what is added on the way.
  for (const tensor of reached) {
    for (const step of readers.get(tensor) ?? []) {
      const left = (missing.get(step) ?? 0) - 1;
      missing.set(step, left);
      if (left === 0) run(step);
    }
  }
  return reached;
}
