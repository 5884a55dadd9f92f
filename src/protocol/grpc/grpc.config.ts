import { Host, Port } from '../../config/keys.js';

/** The gRPC server. */
export class GrpcConfig {
  @Host('The address that the gRPC server listens on.')
  readonly GRPC_HOST: string = '127.0.0.1';

  @Port('The port of the gRPC server; 0 takes a free one.')
  readonly GRPC_PORT: number = 8081;
}
