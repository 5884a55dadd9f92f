import { Bool, Host, Int, OneOf, Port, Text } from '../../config/keys.js';

/** The gRPC server. */
export class GrpcConfig {
  @Host('The address that the gRPC server listens on.')
  readonly GRPC_HOST: string = '127.0.0.1';

  @Port('The port of the gRPC server; 0 takes a free one.')
  readonly GRPC_PORT: number = 8081;

  @Int('How many requests of one stream are worked on at a time; the client waits with the others.', {
    min: 1,
    max: 65_536,
  })
  readonly STREAM_MAX_IN_FLIGHT: number = 64;

  @OneOf('How ModelStreamInfer answers where the metadata x-oip-stream-dialect does not say.', ['triton', 'mlserver'])
  readonly STREAM_DIALECT: 'triton' | 'mlserver' = 'triton';

  @OneOf(
    'Where gRPC clients find the values of outputs: raw contents, typed contents, or as their request had them (mirror). The metadata x-oip-output-contents says it for one call.',
    ['raw', 'mirror', 'typed'],
  )
  readonly GRPC_OUTPUT_CONTENTS: 'raw' | 'mirror' | 'typed' = 'raw';

  @Int('How long a client may take no reply of a stream while more are waiting, in milliseconds.', {
    min: 1,
    max: 2_147_483_647,
  })
  readonly STREAM_STALL_MS: number = 60_000;

  @Text('A pattern of names: the metadata of an inference that it matches become parameters. Empty: none.')
  readonly GRPC_HEADER_FORWARD_PATTERN: string = '';

  @Int('How many streams one connection may have open.', { min: 1, max: 1_000_000 })
  readonly GRPC_MAX_CONCURRENT_STREAMS: number = 1_024;

  @Int('After how many milliseconds, give or take a tenth, a client is asked to connect anew; 0 for never.', {
    min: 0,
    max: 2_147_483_647,
  })
  readonly GRPC_MAX_CONNECTION_AGE_MS: number = 1_800_000;

  @Bool('Whether gRPC reflection (v1 and v1alpha) tells of the services, to callers who may ask for metadata.')
  readonly GRPC_REFLECTION: boolean = false;
}
