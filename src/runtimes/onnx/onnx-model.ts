import type * as ort from 'onnxruntime-node';
import { isUtf8 } from 'node:buffer';
import { invalidArgument } from '../../core/errors/catalogue.js';
import type { ServableModel } from '../../core/model/provider.js';
import type { NamedSpec } from '../../core/model/signature.js';
import { type NamedTensors, namedTensors, Tensor } from '../../core/tensor/tensor.js';
import { zeros } from '../../core/tensor/zeros.js';
import { fromOnnxType, toOnnxType } from './onnx-types.js';

/** An open session as a model. */
export class OnnxModel implements ServableModel {
  constructor(
    private readonly runtime: typeof ort,
    private readonly session: ort.InferenceSession,
    private readonly inputs: readonly NamedSpec[],
  ) {}

  /** The first run of a session allocates. Zeros do not suit every model; such a one warms up with its first request. */
  async warmup(): Promise<void> {
    const tensors = namedTensors();
    for (const spec of this.inputs) tensors[spec.name] = zeros(spec);
    await this.infer(tensors).catch(() => undefined);
  }

  async infer(inputs: NamedTensors): Promise<NamedTensors> {
    // An input may be called `__proto__`.
    const feeds = Object.create(null) as Record<string, ort.Tensor>;
    for (const [name, tensor] of Object.entries(inputs)) feeds[name] = this.toOnnx(name, tensor);
    const results = await this.session.run(feeds);
    const outputs = namedTensors();
    for (const name of this.session.outputNames) outputs[name] = fromOnnx(name, results[name]);
    return outputs;
  }

  async unload(): Promise<void> {
    await this.session.release();
  }

  private toOnnx(name: string, { datatype, shape, data }: Tensor): ort.Tensor {
    const type = toOnnxType(datatype);
    if (type === 'string') {
      return new this.runtime.Tensor(
        'string',
        (data as readonly Buffer[]).map((text) => toText(name, text)),
        shape,
      );
    }
    if (type === 'bool') return new this.runtime.Tensor('bool', normalised(data as Uint8Array), shape);
    if (type === 'float16' && 'Float16Array' in globalThis) return this.halfTensor(data as Uint16Array, shape);
    return new this.runtime.Tensor(type, data as Float32Array, shape);
  }

  /**
   * Where the engine has a Float16Array, the constructor insists on one, and the native side then reads no data
   * from it; a tensor over the bits, made past the constructor, is read right.
   */
  private halfTensor(bits: Uint16Array, dims: readonly number[]): ort.Tensor {
    const tensor = Object.create(this.runtime.Tensor.prototype) as object;
    return Object.assign(tensor, {
      type: 'float16',
      dims,
      cpuData: bits,
      dataLocation: 'cpu',
      size: bits.length,
    }) as never;
  }
}

/** The runtime takes strings as text that ends at a NUL: what it would cut or garble is refused. */
function toText(name: string, bytes: Buffer): string {
  if (isUtf8(bytes) && !bytes.includes(0)) return bytes.toString('utf8');
  throw invalidArgument(`input '${name}': an ONNX model takes strings of UTF-8 without NUL, got other bytes`);
}

/** Any value but 0 is true on the wire; the runtime's booleans are exactly 0 or 1. */
const normalised = (data: Uint8Array): Uint8Array =>
  data.some((value) => value > 1) ? data.map((value) => +(value !== 0)) : data;

function fromOnnx(name: string, output: ort.Tensor | undefined): Tensor {
  if (output === undefined) throw new Error(`the session gave no output '${name}'`);
  const datatype = fromOnnxType(output.type, name);
  if (datatype === 'BYTES') {
    return new Tensor(
      datatype,
      output.dims,
      (output.data as string[]).map((text) => Buffer.from(text, 'utf8')),
    );
  }
  const { buffer, byteOffset, length } = output.data as Uint16Array;
  // Newer engines give half floats as Float16Array: the same bits, another class.
  if (datatype === 'FP16') return new Tensor(datatype, output.dims, new Uint16Array(buffer, byteOffset, length));
  return new Tensor(datatype, output.dims, output.data as never);
}
