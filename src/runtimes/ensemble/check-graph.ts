import type { Ensemble, EnsembleStep } from './ensemble.js';
import { StepGraph } from './step-graph.js';

/** Throws for an ensemble that could not run whatever its models are: its tensors do not join its steps. */
export function checkGraph(ensemble: Ensemble): void {
  const writers = checkWriters(ensemble);
  checkReaders(ensemble, writers);
  checkOrder(ensemble, writers);
  checkUse(ensemble);
}

/** Every tensor is written once, the outputs among them. Gives the step that writes each tensor. */
function checkWriters({ name, inputs, outputs, steps }: Ensemble): ReadonlyMap<string, EnsembleStep> {
  const writers = new Map<string, EnsembleStep>();
  for (const [index, step] of steps.entries()) {
    for (const { tensor } of step.outputs) {
      if (inputs.some((input) => input.name === tensor)) {
        throw new Error(`ensemble tensor '${tensor}' is an input of ensemble '${name}': ${step.title} cannot write it`);
      }
      const other = writers.get(tensor);
      if (other !== undefined) {
        throw new Error(
          `ensemble tensor '${tensor}' can appear in an output map only once for ensemble '${name}' step ${index}: ` +
            `${other.title} writes it too`,
        );
      }
      writers.set(tensor, step);
    }
  }
  const unwritten = outputs.find((output) => !writers.has(output.name));
  if (unwritten !== undefined) {
    throw new Error(`output '${unwritten.name}' for ensemble '${name}' is not written: map an output of a step to it`);
  }
  return writers;
}

function checkReaders({ name, inputs, steps }: Ensemble, writers: ReadonlyMap<string, EnsembleStep>): void {
  for (const { title, inputs: read } of steps) {
    for (const { own, tensor } of read) {
      if (writers.has(tensor) || inputs.some((input) => input.name === tensor)) continue;
      throw new Error(
        `ensemble tensor '${tensor}', which input '${own}' of ${title} reads in ensemble '${name}', is not written: ` +
          'it is no input of the ensemble, and no step has it in its output map',
      );
    }
  }
}

function checkOrder({ name, steps }: Ensemble, writers: ReadonlyMap<string, EnsembleStep>): void {
  const stuck = new StepGraph(steps).stuck();
  const [first] = stuck;
  if (first === undefined) return;
  // Every step that is stuck reads of one that is: going back, the way comes to a step where it was before.
  const way: EnsembleStep[] = [];
  let step = first;
  for (; !way.includes(step); step = blockerOf(step, stuck, writers)) way.push(step);
  const links = way.slice(way.indexOf(step)).map((reader) => {
    const blocker = blockerOf(reader, stuck, writers);
    const tensor = reader.inputs.find((input) => writers.get(input.tensor) === blocker)?.tensor ?? '';
    return `${reader.title} reads '${tensor}' of ${blocker.title}`;
  });
  throw new Error(`the steps of ensemble '${name}' wait for each other in a circle: ${links.join(', ')}`);
}

function blockerOf(
  step: EnsembleStep,
  stuck: readonly EnsembleStep[],
  writers: ReadonlyMap<string, EnsembleStep>,
): EnsembleStep {
  for (const { tensor } of step.inputs) {
    const writer = writers.get(tensor);
    if (writer !== undefined && stuck.includes(writer)) return writer;
  }
  return step;
}

/** What nobody reads was forgotten, or is a slip of the pen. */
function checkUse({ name, inputs, outputs, steps }: Ensemble): void {
  const read = new Set(steps.flatMap((step) => step.inputs.map(({ tensor }) => tensor)));
  const unused = inputs.find((input) => !read.has(input.name));
  if (unused !== undefined) {
    throw new Error(`ensemble input '${unused.name}' for ensemble '${name}' is not used: map it to an input of a step`);
  }
  for (const { title, outputs: written } of steps) {
    for (const { tensor } of written) {
      if (read.has(tensor) || outputs.some((output) => output.name === tensor)) continue;
      throw new Error(
        `ensemble tensor '${tensor}' is unused in ensemble '${name}': remove it from the output map of ${title}`,
      );
    }
  }
}
