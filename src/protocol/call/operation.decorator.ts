import { SetMetadata } from '@nestjs/common';

/** The families of rpcs and routes that policies speak of. */
export type OperationFamily =
  | 'health'
  | 'metadata'
  | 'inference'
  | 'shared-memory'
  | 'model-config'
  | 'model-repository'
  | 'statistics'
  | 'trace'
  | 'logging';

export const FAMILY = Symbol('family');
export const PUBLIC = Symbol('public');

/** Names the family of a controller's rpcs or routes. */
export const Family = (family: OperationFamily) => SetMetadata(FAMILY, family);

/** Opens an rpc or route to callers without credentials. */
export const Public = () => SetMetadata(PUBLIC, true);
