import { Secret } from '../../config/keys.js';

/** Families of operations behind a key that all who may use them share. */
export class RestrictionConfig {
  @Secret(
    'The families that gRPC calls need a shared key for, as family,family:key=value with semicolons between; the metadata is triton-grpc-protocol-key.',
  )
  readonly GRPC_RESTRICTED_PROTOCOL?: string;

  @Secret(
    'The families that REST calls need a shared key for, as family,family:key=value with semicolons between; the header is key.',
  )
  readonly HTTP_RESTRICTED_API?: string;
}
