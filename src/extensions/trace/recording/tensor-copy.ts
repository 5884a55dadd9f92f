import { datatypeInfo } from '../../../core/tensor/datatype.js';
import { Tensor } from '../../../core/tensor/tensor.js';

/** So many elements are turned into text at a time. */
const PART = 4_096;

/** A tensor's contents when they passed by: what comes later may use their memory again. */
export class TensorCopy {
  readonly byteSize: number;
  private readonly copy: Tensor;

  constructor(
    readonly activity: 'TENSOR_QUEUE_INPUT' | 'TENSOR_BACKEND_OUTPUT',
    readonly name: string,
    { datatype, shape, data }: Tensor,
  ) {
    const kept =
      datatype === 'BYTES'
        ? (data as readonly Buffer[]).map((element) => Buffer.from(element))
        : (data as Uint8Array).slice();
    this.copy = new Tensor(datatype, shape, kept);
    this.byteSize = sizeOf(kept);
  }

  get datatype(): string {
    return this.copy.datatype;
  }

  get shape(): string {
    return this.copy.shape.join(',');
  }

  /** The elements with commas between, part by part: the text of a large tensor is many times its size. */
  *texts(): Generator<string, void> {
    const { data } = this.copy;
    for (let start = 0; start < data.length; start += PART) {
      yield `${start === 0 ? '' : ','}${this.part(start, Math.min(start + PART, data.length))}`;
    }
  }

  private part(start: number, end: number): string {
    const { datatype, data } = this.copy;
    const slice = data.slice(start, end);
    switch (datatypeInfo(datatype).numbers) {
      case 'text':
        return (slice as readonly Buffer[]).map((element) => `"${element.toString('utf8')}"`).join(',');
      case 'half':
        return new Tensor(datatype as 'FP16', [slice.length], slice as Uint16Array).numbers().join(',');
      case 'boolean':
      case 'integer':
      case 'big-integer':
      case 'float':
        return (slice as Float64Array).join(',');
    }
  }
}

const sizeOf = (data: Uint8Array | readonly Buffer[]): number =>
  'byteLength' in data ? data.byteLength : data.reduce((sum, element) => sum + element.byteLength, 0);
