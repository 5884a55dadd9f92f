import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/**
 * What a Node server costs at the least with the field's libraries: grpc-js and proto-loader, the same answers, no
 * checks. With `{ windows: true }` its HTTP/2 windows are as large as this server's; with `{ model }` it runs an ONNX
 * session instead.
 */

const { windows = false, model } = JSON.parse(process.argv[2] ?? '{}');
process.once('disconnect', () => process.exit(1));

const definition = loadSync('inference.proto', { includeDirs: ['proto'], keepCase: true });
const { inference } = grpc.loadPackageDefinition(definition);
const server = new grpc.Server({ 'grpc.enable_channelz': 0, 'grpc.max_receive_message_length': -1 });

function add({ raw_input_contents, inputs }) {
  const [a, b] = raw_input_contents.map((raw) => new Int32Array(new Uint8Array(raw).buffer));
  const sums = a.map((value, index) => value + b[index]);
  const differences = a.map((value, index) => value - b[index]);
  return {
    outputs: ['OUTPUT0', 'OUTPUT1'].map((name) => ({ name, datatype: 'INT32', shape: inputs[0].shape })),
    raw_output_contents: [Buffer.from(sums.buffer), Buffer.from(differences.buffer)],
  };
}

const echo = ({ inputs, raw_input_contents }) => ({
  outputs: [{ name: 'OUTPUT0', datatype: 'FP32', shape: inputs[0].shape }],
  raw_output_contents: raw_input_contents,
});

async function onnx(path) {
  const ort = await import('onnxruntime-node');
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  return async ({ inputs, raw_input_contents }) => {
    const data = new Float32Array(new Uint8Array(raw_input_contents[0]).buffer);
    const results = await session.run({ [inputs[0].name]: new ort.Tensor(data, inputs[0].shape.map(Number)) });
    return {
      outputs: session.outputNames.map((name) => ({ name, datatype: 'FP32', shape: results[name].dims })),
      raw_output_contents: session.outputNames.map((name) => {
        const { buffer, byteOffset, byteLength } = results[name].data;
        return Buffer.from(buffer, byteOffset, byteLength);
      }),
    };
  };
}

const models = { simple: add, echo, ...(model === undefined ? {} : { [model.name]: await onnx(model.path) }) };

async function ModelInfer({ request }, callback) {
  const answer = models[request.model_name](request);
  const { outputs, raw_output_contents } = answer instanceof Promise ? await answer : answer;
  callback(null, {
    model_name: request.model_name,
    model_version: '1',
    id: request.id,
    outputs,
    raw_output_contents,
  });
}

server.addService(inference.GRPCInferenceService.service, { ModelInfer });
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  if (windows) {
    for (const http2 of server.http2Servers.keys()) {
      http2.updateSettings({ initialWindowSize: 8 * 1024 * 1024 });
      http2.on('session', (session) => session.setLocalWindowSize(32 * 1024 * 1024));
    }
  }
  process.send({ grpc: `127.0.0.1:${port}` });
});
