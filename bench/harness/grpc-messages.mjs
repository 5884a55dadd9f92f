import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** Requests as bytes, and one call by a real client to see that a server answers them as it should. */

export const INFER = '/inference.GRPCInferenceService/ModelInfer';
export const LIVE = '/inference.GRPCInferenceService/ServerLive';
export const GRPC_HEADERS = { 'content-type': 'application/grpc', te: 'trailers' };

export const contract = loadSync('inference.proto', {
  includeDirs: [new URL('../../proto', import.meta.url).pathname],
  keepCase: true,
})['inference.GRPCInferenceService'];

/** A message behind the five bytes that gRPC puts before it. */
export function frameOf(encoded) {
  const frame = Buffer.alloc(5 + encoded.length);
  frame.writeUInt32BE(encoded.length, 1);
  encoded.copy(frame, 5);
  return frame;
}

export const inferMessage = (request) => contract.ModelInfer.requestSerialize(request);

/** Sends an encoded ModelInferRequest; answers with the reply and its size. Throws for any status but OK. */
export function inferOnce(address, encoded, headers = {}) {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
  const metadata = new grpc.Metadata();
  for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
  const same = (bytes) => bytes;
  return new Promise((resolve, reject) => {
    const deadline = { deadline: Date.now() + 30_000 };
    client.makeUnaryRequest(INFER, same, same, encoded, metadata, deadline, (error, bytes) => {
      client.close();
      if (error) reject(error);
      else resolve({ bytes: bytes.length, reply: contract.ModelInfer.responseDeserialize(bytes) });
    });
  });
}

/** Throws unless the raw contents are exactly the expected ones. */
export function expectContents({ reply }, expected) {
  const contents = reply.raw_output_contents ?? [];
  const same = contents.length === expected.length && contents.every((raw, index) => raw.equals(expected[index]));
  if (!same) throw new Error(`the outputs are not the expected ones: ${JSON.stringify(reply).slice(0, 300)}`);
}
