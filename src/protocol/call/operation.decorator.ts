import { SetMetadata } from '@nestjs/common';

/** The families of rpcs and routes that policies speak of. */
export const OPERATION_FAMILIES = [
  'health',
  'metadata',
  'inference',
  'shared-memory',
  'model-config',
  'model-repository',
  'statistics',
  'trace',
  'logging',
] as const;
export type OperationFamily = (typeof OPERATION_FAMILIES)[number];

/** Whether a word from a configuration or a policy is a family. */
export const isOperationFamily = (word: string): word is OperationFamily =>
  (OPERATION_FAMILIES as readonly string[]).includes(word);

export const FAMILY = Symbol('family');
export const PUBLIC = Symbol('public');

/** Names the family of a controller's rpcs or routes. */
export const Family = (family: OperationFamily) => SetMetadata(FAMILY, family);

/** Opens an rpc or route to callers without credentials. */
export const Public = () => SetMetadata(PUBLIC, true);
