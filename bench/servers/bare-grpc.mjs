import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** What a Node server costs at the least with the field's libraries: grpc-js and proto-loader, the same sum, no checks. */

const definition = loadSync('inference.proto', { includeDirs: ['proto'], keepCase: true });
const { inference } = grpc.loadPackageDefinition(definition);
const server = new grpc.Server({ 'grpc.enable_channelz': 0, 'grpc.max_receive_message_length': -1 });

function ModelInfer({ request }, callback) {
  const [a, b] = request.raw_input_contents.map((raw) => new Int32Array(new Uint8Array(raw).buffer));
  const outputs = [a.map((value, index) => value + b[index]), a.map((value, index) => value - b[index])];
  callback(null, {
    model_name: request.model_name,
    model_version: '1',
    id: request.id,
    outputs: outputs.map((_, index) => ({ name: `OUTPUT${index}`, datatype: 'INT32', shape: request.inputs[0].shape })),
    raw_output_contents: outputs.map(({ buffer }) => Buffer.from(buffer)),
  });
}

server.addService(inference.GRPCInferenceService.service, { ModelInfer });
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.send({ grpc: `127.0.0.1:${port}` });
});
