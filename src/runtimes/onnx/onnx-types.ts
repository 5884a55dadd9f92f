import type { Tensor as OnnxTensor } from 'onnxruntime-node';
import type { Datatype } from '../../core/tensor/datatype.js';

/** BF16 is missing: the runtime's Node binding cannot take it in or give it out. */
const ONNX_TYPES = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
} as const satisfies Partial<Record<OnnxTensor.Type, Datatype>>;

export type OnnxType = keyof typeof ONNX_TYPES;

const BY_DATATYPE = new Map<Datatype, OnnxType>(
  Object.entries(ONNX_TYPES).map(([type, datatype]) => [datatype, type as OnnxType]),
);

export function fromOnnxType(type: string, tensor: string): Datatype {
  if (!Object.hasOwn(ONNX_TYPES, type))
    throw new Error(`tensor '${tensor}' is of type ${type}, which cannot be served`);
  return ONNX_TYPES[type as OnnxType];
}

export function toOnnxType(datatype: Datatype): OnnxType {
  const type = BY_DATATYPE.get(datatype);
  if (type === undefined) throw new Error(`the ONNX runtime takes no ${datatype}`);
  return type;
}
