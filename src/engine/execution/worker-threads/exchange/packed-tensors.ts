import { ServingError } from '../../../../core/errors/serving-error.js';
import { type Datatype, datatypeInfo, type NumericData } from '../../../../core/tensor/datatype.js';
import { elementCount, type Shape } from '../../../../core/tensor/shape.js';
import { type NamedTensors, namedTensors, Tensor } from '../../../../core/tensor/tensor.js';

/** A tensor as it crosses between threads: its class stays behind, its memory moves. */
export interface PackedTensor {
  readonly datatype: Datatype;
  readonly shape: Shape;
  /** The elements; for BYTES those of all elements, one behind the other. */
  readonly data: NumericData;
  /** For BYTES: how long each element is. */
  readonly lengths?: Uint32Array;
}

/** Entries and not a record: a tensor may have any name. `null` is what was no tensor. */
export type PackedTensors = readonly (readonly [name: string, tensor: PackedTensor | null])[];

/** What to post, with the memory that goes over to the other side. */
export interface Parcel {
  readonly tensors: PackedTensors;
  readonly moved: ArrayBuffer[];
}

/** Copies the inputs: others may still read them, and a view of a few bytes would take its whole message along. */
export function packInputs(inputs: NamedTensors): Parcel {
  const moved: ArrayBuffer[] = [];
  const tensors = Object.entries(inputs).flatMap(([name, tensor]: [string, Tensor | undefined]) => {
    // An optional input that was left out.
    if (tensor === undefined) return [];
    const { datatype, shape, data } = tensor;
    if (datatype === 'BYTES') return [[name, packBytes(shape, data as readonly Buffer[], moved)] as const];
    return [[name, { datatype, shape, data: noted(copyOf(datatype, data as NumericData), moved) }] as const];
  });
  return { tensors, moved };
}

/**
 * Hands the outputs over. What covers its memory alone moves; a view of more, memory that two outputs share, and what
 * can belong to no single thread is copied. Throws `internal` for an output whose memory has gone already.
 */
export function packOutputs(model: string, outputs: object): Parcel {
  const moved: ArrayBuffer[] = [];
  const entries: [string, unknown][] = Object.entries(outputs);
  const shared = sharedBuffers(entries.map(([, output]) => output));
  const tensors = entries.map(([name, output]) => {
    if (!(output instanceof Tensor)) return [name, null] as const;
    const { datatype, shape, data } = output;
    if (datatype === 'BYTES') return [name, packBytes(shape, data as readonly Buffer[], moved)] as const;
    if (data.length !== elementCount(shape)) throw handedOver(model, name);
    const own = isMovable(data as NumericData, shared) ? released(datatype, data as NumericData) : undefined;
    return [name, { datatype, shape, data: noted(own ?? copyOf(datatype, data as NumericData), moved) }] as const;
  });
  return { tensors, moved };
}

/** The tensors on the other side. */
export function unpackTensors(packed: PackedTensors): NamedTensors {
  const tensors = namedTensors();
  for (const [name, tensor] of packed) tensors[name] = tensor === null ? (null as never) : unpackTensor(tensor);
  return tensors;
}

function unpackTensor({ datatype, shape, data, lengths }: PackedTensor): Tensor {
  if (lengths === undefined) return new Tensor(datatype, shape, data);
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  let start = 0;
  const elements = Array.from(lengths, (length) => bytes.subarray(start, (start += length)));
  return new Tensor('BYTES', shape, elements);
}

function packBytes(shape: Shape, elements: readonly Uint8Array[], moved: ArrayBuffer[]): PackedTensor {
  const lengths = Uint32Array.from(elements, ({ byteLength }) => byteLength);
  const data = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let start = 0;
  for (const element of elements) {
    data.set(element, start);
    start += element.byteLength;
  }
  return { datatype: 'BYTES', shape, data: noted(data, moved), lengths: noted(lengths, moved) };
}

function noted<T extends ArrayBufferView>(view: T, moved: ArrayBuffer[]): T {
  moved.push(view.buffer as ArrayBuffer);
  return view;
}

/** Not `slice`: that of a Buffer is a view. */
function copyOf(datatype: Datatype, data: NumericData): NumericData {
  const { array: Data } = datatypeInfo(datatype);
  if (Data === undefined) throw new TypeError(`${datatype} has no element array`);
  const copy = new Data(data.length);
  (copy as Uint8Array).set(data as Uint8Array);
  return copy;
}

/** The memory that more than one output is a view of. */
function sharedBuffers(outputs: readonly unknown[]): ReadonlySet<ArrayBufferLike> {
  const seen = new Set<ArrayBufferLike>();
  const shared = new Set<ArrayBufferLike>();
  for (const output of outputs) {
    if (!(output instanceof Tensor) || output.datatype === 'BYTES') continue;
    const { buffer } = output.data as NumericData;
    if (seen.has(buffer)) shared.add(buffer);
    seen.add(buffer);
  }
  return shared;
}

const isMovable = ({ buffer, byteLength }: NumericData, shared: ReadonlySet<ArrayBufferLike>): boolean =>
  buffer instanceof ArrayBuffer && byteLength > 0 && byteLength === buffer.byteLength && !shared.has(buffer);

/** The data in memory that can move; `undefined` where it refuses to. */
function released(datatype: Datatype, data: NumericData): NumericData | undefined {
  const { buffer, byteLength, length } = data;
  const { array: Data } = datatypeInfo(datatype);
  if (byteLength % WASM_PAGE_BYTES !== 0 || Data === undefined) return data;
  try {
    return new Data(structuredClone(buffer, { transfer: [buffer as ArrayBuffer] }), 0, length);
  } catch {
    return undefined;
  }
}

/** The memory of WebAssembly comes in whole pages, and cannot be told from other memory but by its refusal to move. */
const WASM_PAGE_BYTES = 65_536;

const handedOver = (model: string, output: string): ServingError =>
  new ServingError(
    'internal',
    `model '${model}' returned output '${output}' whose memory went over with an earlier response: return a fresh tensor`,
  );
