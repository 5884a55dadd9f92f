import { invalidArgument } from '../errors/catalogue.js';
import { inputField } from '../errors/request-field.js';
import { BIG_BOUNDS, type Datatype, datatypeInfo, type TypedField } from './datatype.js';
import { countElements, type InputPlace, type TypedContents } from './encoded-tensor.js';
import { decodeRaw } from './raw.js';
import type { Shape } from './shape.js';
import { Tensor } from './tensor.js';

/**
 * Reads `InferTensorContents`. FP16 and BF16 have no field of their own: the specification wants them raw, and
 * MLServer's clients put the raw bytes into one entry of `bytes_contents`; both are taken.
 */
export function decodeTyped(
  datatype: Datatype,
  shape: Shape,
  fields: readonly TypedContents[],
  place: InputPlace,
): Tensor {
  const [contents, second] = fields;
  if (contents === undefined) return noElements(datatype, shape, place);
  if (second !== undefined) {
    throw invalidArgument(
      `unexpected explicit tensor data for input tensor '${place.input}' for model '${place.model}': ${contents.field} and ${second.field} are both set, binary data was already supplied.`,
      inputField(place.input, 'contents'),
    );
  }
  const { numbers, size, field } = datatypeInfo(datatype);
  if (numbers === 'half' && contents.field === 'bytes_contents') {
    return decodeRaw(datatype, shape, singleEntry(contents, datatype, place), place);
  }
  if (contents.field !== field) throw wrongField(contents.field, datatype, place);
  const expected = countElements(shape, size, place);
  if (contents.values.length !== expected) throw wrongCount(contents, datatype, expected, place);
  return new Tensor(datatype, shape, readValues(datatype, contents.values, place));
}

/** An empty field is no field on the wire, and all that a tensor without elements needs. */
function noElements(datatype: Datatype, shape: Shape, place: InputPlace): Tensor {
  if (countElements(shape, 0, place) > 0) throw missingData(place);
  return new Tensor(datatype, shape, readValues(datatype, [], place));
}

export const missingData = ({ input, model }: InputPlace) =>
  invalidArgument(
    `unable to find data for input tensor '${input}' for model '${model}' in request.`,
    inputField(input, 'contents'),
  );

function readValues(datatype: Datatype, values: ArrayLike<unknown>, place: InputPlace) {
  const { array: Data, numbers, min, max } = datatypeInfo(datatype);
  if (Data === undefined) return Array.from(values as ArrayLike<Uint8Array>, (value) => Buffer.from(value)) as never;
  if (values instanceof Data) return values as never;
  if (numbers === 'big-integer') return readBigIntegers(datatype as 'INT64' | 'UINT64', values, place);
  const data = new Data(values.length) as Float64Array;
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (numbers === 'integer' && (value < min || value > max)) throw outOfRange(value, datatype, place);
    data[i] = value;
  }
  return data as never;
}

function readBigIntegers(datatype: 'INT64' | 'UINT64', values: ArrayLike<unknown>, place: InputPlace) {
  const { min, max } = BIG_BOUNDS[datatype];
  const data = datatype === 'INT64' ? new BigInt64Array(values.length) : new BigUint64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = BigInt(values[i] as string | number | bigint);
    if (value < min || value > max) throw outOfRange(value, datatype, place);
    data[i] = value;
  }
  return data as never;
}

function singleEntry({ values }: TypedContents, datatype: Datatype, { input, model }: InputPlace): Uint8Array {
  if (values.length === 1) return values[0] as Uint8Array;
  throw invalidArgument(
    `input '${input}' for model '${model}': ${datatype} takes one entry of bytes_contents with the raw bytes of all elements, got ${values.length} entries`,
    inputField(input, 'contents'),
  );
}

/** Which datatype a caller meant who filled this field; the protocol's error names it. */
const FIELD_DATATYPE: Readonly<Record<TypedField, Datatype>> = {
  bool_contents: 'BOOL',
  int_contents: 'INT32',
  int64_contents: 'INT64',
  uint_contents: 'UINT32',
  uint64_contents: 'UINT64',
  fp32_contents: 'FP32',
  fp64_contents: 'FP64',
  bytes_contents: 'BYTES',
};

const wrongField = (field: TypedField, datatype: Datatype, { input, model }: InputPlace) =>
  invalidArgument(
    `unexpected explicit tensor data for input tensor '${input}' for model '${model}' of type '${FIELD_DATATYPE[field]}', expected datatype '${datatype}'`,
    inputField(input, 'contents'),
  );

function wrongCount({ values }: TypedContents, datatype: Datatype, expected: number, { input, model }: InputPlace) {
  if (datatype !== 'BYTES') {
    const { size } = datatypeInfo(datatype);
    return invalidArgument(
      `input byte size mismatch for input '${input}' for model '${model}'. Expected ${expected * size}, got ${values.length * size}`,
      inputField(input, 'contents'),
    );
  }
  return invalidArgument(
    values.length < expected
      ? `expected ${expected} string elements for inference input '${input}' for model '${model}', got ${values.length}`
      : `unexpected number of string elements ${values.length} for inference input '${input}' for model '${model}', expecting ${expected}`,
    inputField(input, 'contents'),
  );
}

const outOfRange = (value: number | bigint, datatype: Datatype, { input, model }: InputPlace) =>
  invalidArgument(
    `input '${input}' for model '${model}': ${value} is out of range for ${datatype}`,
    inputField(input, 'contents'),
  );
