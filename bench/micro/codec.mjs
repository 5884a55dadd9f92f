import { join } from 'node:path';
import { loadSync } from '@grpc/proto-loader';
import protobuf from 'protobufjs';
import { Tensor } from '#core';
import { decodeModelInferRequest } from '../../dist/protocol/grpc/codec/infer-request.js';
import { encodeModelInferResponse } from '../../dist/protocol/grpc/codec/infer-response.js';
import { contract } from '../harness/grpc-messages.mjs';
import { takeTurns } from './take-turns.mjs';

/** Codecs against each other on the same bytes; each answers with an object that its caller can read. */

const { rounds } = JSON.parse(process.argv[2] ?? '{"rounds":5}');
process.once('disconnect', () => process.exit(1));
const folder = join(import.meta.dirname, '../../proto');
const loaded = loadSync('inference.proto', { includeDirs: [folder], keepCase: true });
const { requestSerialize, requestDeserialize, responseSerialize } = loaded['inference.GRPCInferenceService'].ModelInfer;

const root = new protobuf.Root();
root.resolvePath = (_origin, file) => (file.startsWith('/') ? file : join(folder, file));
await root.load('inference.proto', { keepCase: true });
const reflected = root.lookupType('inference.ModelInferRequest');

/** The same bytes, beginning so far from a multiple of eight. */
function shifted(bytes, offset) {
  const copy = Buffer.from(new ArrayBuffer(bytes.length + 8), offset, bytes.length);
  bytes.copy(copy);
  return copy;
}

const COUNT = 1_000_000;
const values = Float32Array.from({ length: COUNT }, (_, index) => Math.sin(index));
const typed = requestSerialize({
  model_name: 'm',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1, COUNT], contents: { fp32_contents: Array.from(values) } }],
});
/** How the values lie in the message decides whether they can be taken as they are. */
const at = typed.indexOf(Buffer.from(values.buffer, 0, 64));
const aligned = shifted(typed, (4 - (at % 4)) % 4);
const unaligned = shifted(typed, ((4 - (at % 4)) % 4) + 1);

const raw = Buffer.from(Int32Array.from({ length: 16 }, (_, index) => index).buffer);
const small = requestSerialize({
  model_name: 'simple',
  inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [1, 16] })),
  raw_input_contents: [raw, raw],
});
const data = Int32Array.from({ length: 16 }, (_, index) => index);
const outputs = ['OUTPUT0', 'OUTPUT1'];
const response = {
  model: 'simple',
  version: '1',
  id: '',
  parameters: new Map(),
  outputs: outputs.map((name) => ({ name, tensor: new Tensor('INT32', [1, 16], data) })),
};
const plainResponse = {
  model_name: 'simple',
  model_version: '1',
  outputs: outputs.map((name) => ({ name, datatype: 'INT32', shape: [1, 16] })),
  raw_output_contents: outputs.map(() => raw),
};

const contentsOf = ({ inputs }) => inputs[0].contents.fp32_contents;
for (const decoded of [decodeModelInferRequest(unaligned), requestDeserialize(typed), reflected.decode(typed)]) {
  const got = contentsOf(decoded);
  if (got.length !== COUNT || got[COUNT - 1] !== values[COUNT - 1]) throw new Error('the codecs do not agree');
}
const reply = contract.ModelInfer.responseDeserialize(encodeModelInferResponse(response));
if (reply.raw_output_contents.length !== 2 || !reply.raw_output_contents[1].equals(raw)) {
  throw new Error('the encoded reply is not the expected one');
}

const target = Buffer.alloc(values.byteLength);
const works = {
  'decode 1,000,000 fp32_contents': {
    times: 5,
    codecs: {
      'this server, aligned': () => decodeModelInferRequest(aligned),
      'this server, unaligned': () => decodeModelInferRequest(unaligned),
      'proto-loader': () => requestDeserialize(typed),
      protobufjs: () => reflected.decode(typed),
      'protobufjs, then Float32Array': () => Float32Array.from(contentsOf(reflected.decode(typed))),
      'memcpy alone': () => typed.copy(target, 0, at),
    },
  },
  'decode 2 x INT32[1,16] raw': {
    times: 20_000,
    codecs: {
      'this server': () => decodeModelInferRequest(small),
      'proto-loader': () => requestDeserialize(small),
      protobufjs: () => reflected.decode(small),
    },
  },
  'encode 2 x INT32[1,16] raw': {
    times: 20_000,
    codecs: {
      'this server': () => encodeModelInferResponse(response),
      'proto-loader': () => responseSerialize(plainResponse),
    },
  },
};

const results = [];
for (const [work, { times, codecs }] of Object.entries(works)) {
  for (const [codec, microseconds] of Object.entries(await takeTurns(codecs, { rounds, times }))) {
    results.push({ work, codec, microseconds });
  }
}
process.send(results);
