import {
  bf16,
  bool,
  bytes,
  type Datatype,
  fp16,
  fp32,
  fp64,
  int16,
  int32,
  int64,
  int8,
  type Shape,
  signature,
  type TensorKind,
  uint16,
  uint32,
  uint64,
  uint8,
} from '#core';
import { defineModel, type ModelClass } from '#testing';

const KINDS: readonly TensorKind<Datatype>[] = [
  bool,
  uint8,
  uint16,
  uint32,
  uint64,
  int8,
  int16,
  int32,
  int64,
  fp16,
  bf16,
  fp32,
  fp64,
  bytes,
] as never;

export const ALL_DATATYPES: readonly Datatype[] = KINDS.map(({ datatype }) => datatype);

/** The models that give their input `x` back as `y`, one for each datatype: `echo_FP32` and so on. */
export const echoModels = (shape: Shape, prefix = 'echo'): ModelClass[] =>
  KINDS.map((kind) => {
    const echo = signature({ inputs: { x: kind(...shape) }, outputs: { y: kind(...shape) } });
    return defineModel(`${prefix}_${kind.datatype}`, echo, ({ x }) => ({ y: x }));
  });

export const echoOf = (datatype: Datatype): string => `echo_${datatype}`;
