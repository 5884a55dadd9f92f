import { inferMessage } from './grpc-messages.mjs';

/** What is asked of the servers, over either wire, and what they have to answer. */

const bytesOf = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength);

const counting = Int32Array.from({ length: 16 }, (_, index) => index);
const ones = new Int32Array(16).fill(1);
const sums = counting.map((value) => value + 1);
const differences = counting.map((value) => value - 1);

/** 2 x INT32[1,16], answered by the sum and the difference. */
export const simple = {
  message: inferMessage({
    model_name: 'simple',
    inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [1, 16] })),
    raw_input_contents: [bytesOf(counting), bytesOf(ones)],
  }),
  contents: [bytesOf(sums), bytesOf(differences)],
  json: JSON.stringify({
    inputs: [
      { name: 'INPUT0', datatype: 'INT32', shape: [1, 16], data: [...counting] },
      { name: 'INPUT1', datatype: 'INT32', shape: [1, 16], data: [...ones] },
    ],
  }),
  data: [[...sums], [...differences]],
};

/** FP32[1,length], answered by the same values. They are multiples of 2^-8, the same in JSON and in FP32, none of them -0. */
export function echo(length) {
  const values = Float32Array.from({ length }, (_, index) => Math.round(Math.sin(index) * 256) / 256 + 0);
  const raw = bytesOf(values);
  const input = { name: 'INPUT0', datatype: 'FP32', shape: [1, length] };
  const header = Buffer.from(
    JSON.stringify({
      inputs: [{ ...input, parameters: { binary_data_size: raw.length } }],
      parameters: { binary_data_output: true },
    }),
  );
  return {
    message: () => inferMessage({ model_name: 'echo', inputs: [input], raw_input_contents: [raw] }),
    contents: [raw],
    json: () => JSON.stringify({ inputs: [{ ...input, data: [...values] }] }),
    data: [[...values]],
    /** JSON and, behind it, the raw bytes. */
    binary: () => Buffer.concat([header, raw]),
    binaryHeaders: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(header.length),
    },
  };
}
