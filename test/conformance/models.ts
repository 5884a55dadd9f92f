import {
  bf16,
  bool,
  bytes,
  fp16,
  fp32,
  fp64,
  type Inputs,
  int32,
  int64,
  Model,
  optional,
  signature,
  uint8,
} from '#core';
import { defineModel } from '#testing';

/** The models that the cases call, beside those of the sample repository. */

const vector = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
export const Vector = defineModel('vector', vector, ({ x }, { response, parameters }) => {
  for (const [name, value] of parameters) response.parameters.set(name, value);
  return { y: x };
});

const matrix = signature({ inputs: { x: fp32(-1, -1) }, outputs: { y: fp32(-1, -1) } });
export const Matrix = defineModel('matrix', matrix, ({ x }) => ({ y: x }));

const doubles = signature({ inputs: { x: fp64(-1, -1) }, outputs: { y: fp64(-1, -1) } });
export const Doubles = defineModel('doubles', doubles, ({ x }) => ({ y: x }));

const small = signature({ inputs: { x: uint8(-1, -1) }, outputs: { y: uint8(-1, -1) } });
export const Small = defineModel('small', small, ({ x }) => ({ y: x }));

const text = signature({ inputs: { x: bytes(-1) }, outputs: { y: bytes(-1) } });
export const Text = defineModel('text', text, ({ x }) => ({ y: x }));

const half = signature({ inputs: { x: fp16(-1) }, outputs: { y: fp16(-1) } });
export const Half = defineModel('half', half, ({ x }) => ({ y: x }));

const brain = signature({ inputs: { x: bf16(-1) }, outputs: { y: bf16(-1) } });
export const Brain = defineModel('brain', brain, ({ x }) => ({ y: x }));

const toHalf = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp16(-1) } });
export const ToHalf = defineModel('to_half', toHalf, ({ x }) => ({ y: fp16.of(x.shape, x.data) }));

const toBrain = signature({ inputs: { x: fp32(-1) }, outputs: { y: bf16(-1) } });
export const ToBrain = defineModel('to_brain', toBrain, ({ x }) => ({ y: bf16.of(x.shape, x.data) }));

const three = signature({
  inputs: { INPUT0: int32(2), INPUT1: int32(2), INPUT2: int32(2) },
  outputs: { OUTPUT0: int32(2) },
});
export const Three = defineModel('three', three, ({ INPUT0 }) => ({ OUTPUT0: INPUT0 }));

const seeded = signature({
  inputs: { INPUT0: int32(2), INPUT1: int32(2), SEED: optional(int64(1)) },
  outputs: { OUTPUT0: int32(2) },
});
export const Seeded = defineModel('seeded', seeded, ({ INPUT0 }) => ({ OUTPUT0: INPUT0 }));

const batched = signature({
  inputs: { INPUT0: int32(-1, 2), INPUT1: int32(-1, 2) },
  outputs: { OUTPUT0: int32(-1, 2) },
});
export const Batched = defineModel(
  'batched',
  batched,
  ({ INPUT0, INPUT1 }) => ({ OUTPUT0: INPUT0.map((value, index) => value + (INPUT1.data[index] ?? 0)) }),
  {},
  { batching: { maxSize: 8 } },
);

export const Raising = defineModel('raising', vector, () => {
  throw new Error('the password is hunter2');
});

export const Broken = defineModel('broken', vector, ({ x }) => ({ y: x }), {
  load: () => Promise.reject(new Error('the weights are gone')),
});

export const Running = defineModel('running', vector, ({ x }) => ({ y: x }), {}, { sequence: {} });

const counting = signature({ inputs: { n: int32(1) }, outputs: { i: int32(1) } });
@Model('counting', counting)
export class Counting {
  async *stream({ n }: Inputs<typeof counting>) {
    for (let i = 0; i < (n.data[0] ?? 0); i++) yield { i: int32.of([1], [await Promise.resolve(i)]) };
  }
}

/** Says what it is told, in one response; has the inputs that clients of language models fill. */
const talk = signature({
  inputs: { text_input: bytes(1), max_tokens: optional(int32(1)), stream: optional(bool(1)) },
  outputs: { text_output: bytes(1) },
});
@Model('talker', talk)
export class Talker {
  async *stream({ text_input }: Inputs<typeof talk>) {
    yield await Promise.resolve({ text_output: text_input });
  }
}

export const MODELS = [
  Vector,
  Matrix,
  Doubles,
  Small,
  Text,
  Half,
  Brain,
  ToHalf,
  ToBrain,
  Three,
  Seeded,
  Batched,
  Raising,
  Broken,
  Counting,
  Running,
];
