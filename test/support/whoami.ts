import { bytes, fp32, signature } from '../../src/core/index.js';
import { defineModel, GrpcClient, RestClient, type TestServer } from '../../src/testing/index.js';
import { type Answer, answerOfGrpc, answerOfRest, type Wire } from './wires.js';

/** A model that answers with its caller: `name role role`, or `nobody`. */
export const whoami = defineModel(
  'whoami',
  signature({ inputs: { x: fp32(1) }, outputs: { caller: bytes(1) } }),
  (_, { principal }) => {
    const caller = principal === undefined ? 'nobody' : [principal.name, ...principal.roles].join(' ');
    return { caller: bytes.of([1], [caller]) };
  },
);

type Headers = Readonly<Record<string, string>>;

/** Who the server takes the sender of these headers for. Rejects where the call is refused. */
export const callerOver: Readonly<Record<Wire, (server: TestServer, headers: Headers) => Promise<unknown>>> = {
  async grpc({ addresses }, headers) {
    const client = new GrpcClient(addresses.grpc, headers);
    try {
      return (await client.infer('whoami', { x: [1] }))['caller'];
    } finally {
      client.close();
    }
  },
  async rest({ addresses }, headers) {
    return (await new RestClient(addresses.http, headers).infer('whoami', { x: [1] }))['caller'];
  },
};

/** What a call that takes credentials, and nothing else of note, comes to. */
export const metadataOver: Readonly<Record<Wire, (server: TestServer, headers: Headers) => Promise<Answer>>> = {
  grpc: (server, metadata) => answerOfGrpc(server.grpc.call('ServerMetadata', {}, { metadata })),
  rest: async (server, headers) => answerOfRest(await server.rest.get('/v2', headers)),
};
