import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const { GRPC_URL = 'localhost:8081' } = process.env;

const contracts = loadSync('inference.proto', { includeDirs: ['proto'], keepCase: true });
const { GRPCInferenceService } = grpc.loadPackageDefinition(contracts).inference;
const client = new GRPCInferenceService(GRPC_URL, grpc.credentials.createInsecure());

/** One request, as many responses as there are words. Run it in the project's folder, where `proto` is. */
const stream = client.ModelStreamInfer();
const contents = { bytes_contents: [Buffer.from('to be or not')] };
stream.write({ model_name: 'words', inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], contents }] });
stream.end();
for await (const { error_message, infer_response } of stream) {
  // Strings are raw bytes behind their length, which has four bytes itself.
  console.log(error_message || infer_response.raw_output_contents[0].subarray(4).toString());
}
client.close();
