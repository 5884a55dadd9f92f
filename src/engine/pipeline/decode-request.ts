import { invalidArgument } from '../../core/errors/catalogue.js';
import { inputField } from '../../core/errors/request-field.js';
import type { ServingError } from '../../core/errors/serving-error.js';
import type { ContentWishes, EncodedRequest, InferenceRequest, RequestedOutput } from '../../core/inference/request.js';
import type { ServedModel } from '../../core/inference/served-model.js';
import type { SharedInput } from '../../core/inference/shared-tensors.js';
import { isContentType } from '../../core/model/content-types.js';
import type { NamedSpec } from '../../core/model/signature.js';
import { datatypeInfo, isDatatype } from '../../core/tensor/datatype.js';
import type { EncodedContents, EncodedTensor } from '../../core/tensor/encoded-tensor.js';
import { decodeJsonData } from '../../core/tensor/json-data.js';
import { decodeRaw } from '../../core/tensor/raw.js';
import type { Shape } from '../../core/tensor/shape.js';
import { namedTensors, Tensor } from '../../core/tensor/tensor.js';
import { decodeTyped, missingData } from '../../core/tensor/typed-contents.js';
import { checkRows, CONTENT_TYPE, contentTypeOf, decodeContent, inRankOf } from './decode-content.js';
import { checkBatchSize, checkInput, checkInputNames, checkRequestedOutputs } from './validate.js';

/** Checks an encoded request against a model's signature and decodes its tensors; nothing is copied that fits. */
export function decodeRequest(model: ServedModel, request: EncodedRequest): InferenceRequest {
  const encoded = request.rawInput === undefined ? request.inputs : [deduceRawInput(model, request.rawInput)];
  checkInputNames(
    model,
    encoded.map((input) => input.name),
  );
  checkRequestedOutputs(model, request.outputs);
  checkBatchSize(
    model,
    encoded.map(({ name, shape }) => [name, shape]),
  );
  const inputs = namedTensors();
  let shared: SharedInput[] | undefined;
  for (const input of encoded) {
    const spec = model.inputs.find((candidate) => candidate.name === input.name);
    if (spec === undefined) continue;
    // Triton reads JSON data by the request's datatype, before it looks at the model's.
    if (input.contents.kind === 'json' && !isDatatype(input.datatype)) {
      throw invalidArgument(`invalid datatype for input ${input.name}`, inputField(input.name, 'datatype'));
    }
    const contentType = model.hasContentTypes ? contentTypeOf(input, spec, model, request) : undefined;
    const shape = contentType === undefined ? input.shape : inRankOf(spec, input.shape);
    checkInput(model.name, spec, input.datatype, shape);
    if (input.contents.kind === 'shared') {
      const { name, datatype } = spec;
      if (contentType === 'base64') throw sharedBase64(name);
      (shared ??= []).push({ name, datatype, shape, slice: input.contents.slice });
    } else {
      const tensor = decodeInput(model.name, spec, input.name, shape, input.contents);
      inputs[spec.name] = contentType === undefined ? tensor : decodeContent(tensor, contentType, spec.name);
    }
  }
  const { model: name, version, id, parameters, outputs } = request;
  const checkedAgainst = model.inputs;
  return {
    model: name,
    version,
    id,
    parameters,
    outputs,
    inputs,
    checkedAgainst,
    shared: sharedBy(shared, outputs),
    content: model.hasContentTypes ? contentWishes(model, request) : undefined,
  };
}

/** Also holds the columns of a table against each other. */
function contentWishes(model: ServedModel, { inputs, parameters }: EncodedRequest): ContentWishes {
  const said = parameters.get(CONTENT_TYPE);
  if ((isContentType(said) ? said : model.contentType) === 'pd') checkRows(inputs);
  return { isTold: said !== undefined || inputs.some(({ contentType }) => contentType !== undefined) };
}

function sharedBy(inputs: readonly SharedInput[] | undefined, outputs: readonly RequestedOutput[]) {
  if (inputs === undefined && !outputs.some(isShared)) return undefined;
  const places = outputs.flatMap(({ name, slice }) => (slice === undefined ? [] : [{ name, slice }]));
  return { inputs: inputs ?? [], outputs: places };
}

const isShared = ({ slice }: RequestedOutput): boolean => slice !== undefined;

const sharedBase64 = (input: string): ServingError =>
  invalidArgument(
    `input '${input}' in shared memory has content type base64: put the bytes there as they are, as np`,
    inputField(input, 'parameters'),
  );

type SentContents = Exclude<EncodedContents, { kind: 'shared' }>;

function decodeInput(
  model: string,
  { datatype }: NamedSpec,
  name: string,
  shape: Shape,
  contents: SentContents,
): Tensor {
  const place = { input: name, model };
  switch (contents.kind) {
    case 'raw':
      return decodeRaw(datatype, shape, contents.bytes, place);
    case 'typed':
      return decodeTyped(datatype, shape, contents.fields, place);
    case 'json':
      return decodeJsonData(datatype, shape, contents.value, place);
    case 'refused':
      throw contents.error;
    case 'none':
      if (shape.includes(0)) return decodeRaw(datatype, shape, new Uint8Array(), place);
      throw missingData(place);
  }
}

/** A raw request is the bytes of a model's only input; its shape follows from their number. */
function deduceRawInput({ name: model, inputs }: ServedModel, bytes: Uint8Array): EncodedTensor {
  const [spec] = inputs;
  if (spec === undefined || inputs.length !== 1) {
    throw invalidArgument(
      `Raw request must only have 1 input (found 1) to be deduced but got ${inputs.length} inputs in '${model}' model configuration`,
    );
  }
  const { name, datatype } = spec;
  if (datatype === 'BYTES') {
    if (spec.shape.some((dimension) => Math.abs(dimension) !== 1)) {
      throw invalidArgument(`For BYTE datatype raw input '${name}', the model must have input shape [1]`);
    }
    const value = new Tensor('BYTES', [1], [Buffer.from(bytes)]);
    return {
      name,
      datatype,
      shape: spec.shape.map(() => 1),
      contents: { kind: 'typed', fields: [{ field: 'bytes_contents', values: value.data }] },
    };
  }
  return { name, datatype, shape: deduceShape(spec, bytes.byteLength), contents: { kind: 'raw', bytes } };
}

function deduceShape({ name, datatype, shape }: NamedSpec, byteLength: number): Shape {
  if (shape.filter((dimension) => dimension === -1).length > 1) {
    throw invalidArgument(
      `The shape of the raw input '${name}' can not be deduced because there are more than one variable-sized dimension`,
    );
  }
  const fixed = shape.reduce((product, dimension) => (dimension === -1 ? product : product * dimension), 1);
  const variable = byteLength / datatypeInfo(datatype).size / fixed;
  return shape.map((dimension) => (dimension === -1 ? Math.floor(variable) : dimension));
}
