import { join } from 'node:path';
import { loadSync, type Options, type PackageDefinition } from '@grpc/proto-loader';

/** The folder of the contracts, found from the sources as well as from the build. */
export const PROTO_FOLDER = join(import.meta.dirname, '../../../proto');

/**
 * Without defaults a message holds only what its sender set, so the many fields of a tensor cost nothing. The options
 * that are left out are looked up for each message: they are absent, whatever stands on `Object.prototype`.
 */
export const LOADER_OPTIONS: Options = Object.assign(Object.create(null) as Options, {
  keepCase: true,
  longs: String,
  enums: String,
  oneofs: true,
  includeDirs: [PROTO_FOLDER],
} satisfies Options);

/** A package brings the packages below it along. */
const PACKAGES = ['inference', 'grpc.health.v1', 'grpc.reflection'] as const;

/** Of the packages that this server knows, those that have contracts. */
export const packagesOf = (contracts: PackageDefinition): string[] =>
  PACKAGES.filter((name) => Object.keys(contracts).some((full) => full.startsWith(`${name}.`)));

export const loadContracts = (): PackageDefinition =>
  loadSync(['inference.proto', 'model_repository.proto', 'health.proto'], LOADER_OPTIONS);

/**
 * Services that answer as another one does: aiSSEMBLE spells the service's name in another case, and older clients
 * of MLServer ask a service of its own for the repository.
 */
export const ALIASES: Readonly<Record<string, string>> = {
  GrpcInferenceService: 'GRPCInferenceService',
  ModelRepositoryService: 'GRPCInferenceService',
};
