import type { RequestedOutput } from '../../core/inference/request.js';
import type { NamedSpec } from '../../core/model/signature.js';
import { isDatatype } from '../../core/tensor/datatype.js';
import type { EncodedTensor } from '../../core/tensor/encoded-tensor.js';
import { decodeRaw } from '../../core/tensor/raw.js';
import { formatShape, shapeMatches } from '../../core/tensor/shape.js';
import { type NamedTensors, namedTensors, type Tensor } from '../../core/tensor/tensor.js';
import { decodeTyped } from '../../core/tensor/typed-contents.js';

/**
 * The outputs of an answer, held against the signature: those that were asked for have to be there, or all of them where
 * none was. Throws an error that says what does not fit.
 */
export function readOutputs(
  encoded: readonly EncodedTensor[],
  specs: readonly NamedSpec[],
  requested: readonly RequestedOutput[],
): NamedTensors {
  const outputs = namedTensors();
  for (const tensor of encoded) {
    const { name } = tensor;
    const spec = specs.find((candidate) => candidate.name === name);
    if (spec === undefined) throw new Error(`'${name}' is not an output of its metadata`);
    if (name in outputs) throw new Error(`output '${name}' stands there twice`);
    outputs[name] = readOutput(tensor, spec);
  }
  const missing = (requested.length > 0 ? requested : specs).find(({ name }) => !(name in outputs));
  if (missing !== undefined) throw new Error(`output '${missing.name}' is missing`);
  return outputs;
}

function readOutput({ name, datatype, shape, contents }: EncodedTensor, spec: NamedSpec): Tensor {
  if (datatype !== spec.datatype || !isDatatype(datatype)) {
    throw new Error(`output '${name}' is ${datatype}, its metadata says ${spec.datatype}`);
  }
  if (!shapeMatches(spec.shape, shape)) {
    throw new Error(`output '${name}' is of shape ${formatShape(shape)}, its metadata says ${formatShape(spec.shape)}`);
  }
  const place = { input: name, model: '' };
  try {
    if (contents.kind === 'raw') return decodeRaw(datatype, shape, contents.bytes, place);
    return decodeTyped(datatype, shape, contents.kind === 'typed' ? contents.fields : [], place);
  } catch (cause) {
    throw new Error(`the contents of output '${name}' are no ${datatype} of shape ${formatShape(shape)}`, { cause });
  }
}
