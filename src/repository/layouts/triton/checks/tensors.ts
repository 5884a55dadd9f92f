import type { ModelConfig, ModelInput, ModelOutput } from '../../../../core/model/model-config.js';
import { elementCount, formatShape, type Shape } from '../../../../core/tensor/shape.js';
import { staysInFolder } from '../../containment.js';
import { duplicates } from './duplicates.js';

/** What is wrong with the inputs and outputs of a configuration. */
export function* tensorProblems({ input, output }: ModelConfig): Generator<string> {
  yield* listProblems('input', input);
  yield* listProblems('output', output);
  for (const [index, { name, format, dims }] of input.entries()) {
    if (format !== 'FORMAT_NONE' && dims.length > 0 && dims.length !== 3) {
      yield (
        `input[${index}].format: ${format} of '${name}' needs 3 dims, which are ${formatShape(dims)}: ` +
        'leave the batch dimension out, or the format'
      );
    }
  }
  for (const [index, { name, label_filename }] of output.entries()) {
    if (label_filename !== '' && !staysInFolder(label_filename)) {
      yield (
        `output[${index}].label_filename: '${label_filename}' of '${name}' leads out of the model's folder: ` +
        'put the file beside the configuration and write its name'
      );
    }
  }
}

function* listProblems(role: 'input' | 'output', tensors: readonly (ModelInput | ModelOutput)[]): Generator<string> {
  for (const name of duplicates(tensors.map((tensor) => tensor.name))) {
    if (name !== '') yield `${role}: '${name}' stands twice: name each ${role} once`;
  }
  for (const [index, { name, dims, reshape }] of tensors.entries()) {
    const at = `${role}[${index}]`;
    if (name === '') yield `${at}.name: '' is no name: name the ${role} as the model does`;
    yield* dimensionProblems(`${at}.dims`, name, dims);
    if (reshape === undefined) continue;
    yield* dimensionProblems(`${at}.reshape.shape`, name, reshape.shape);
    if (dims.length > 0 && !holdAsMany(dims, reshape.shape)) {
      yield (
        `${at}.reshape.shape: ${formatShape(reshape.shape)} has different size for dims and reshape: ` +
        `make it hold as many elements as dims ${formatShape(dims)} of '${name}', with as many -1`
      );
    }
  }
}

export function* dimensionProblems(field: string, name: string, dims: Shape): Generator<string> {
  const wrong = dims.find((dimension) => dimension === 0 || dimension < -1);
  if (wrong !== undefined) {
    yield `${field}: ${wrong} is no dimension of '${name}': use integers >= 1, or -1 for a variable-size dimension`;
  }
}

/** Between two variable dimensions, or beside one, the known ones are multiplied: [2,4,-1,6] goes with [8,-1,1,6]. */
function holdAsMany(dims: Shape, reshape: Shape): boolean {
  const [one, other] = [chunks(dims), chunks(reshape)];
  return (
    one.length === other.length && one.every((chunk, index) => elementCount(chunk) === elementCount(other[index] ?? []))
  );
}

function chunks(shape: Shape): Shape[] {
  const ends = [...shape.keys()].filter((axis) => shape[axis] === -1);
  return [...ends, shape.length].map((end, index) => shape.slice(index === 0 ? 0 : (ends[index - 1] ?? 0) + 1, end));
}
