import { DIALECTS } from './dialects.js';
import { EXTENSIONS } from './extensions.js';
import { FAILURES } from './failures.js';
import type { Chapter } from './feature.js';
import { GRPC } from './grpc.js';
import { REPOSITORIES } from './repositories.js';
import { REST } from './rest.js';
import { STREAMING } from './streaming.js';
import { TENSORS } from './tensors.js';

/** Every feature of the protocol, by the sections of its reference. */
export const CHAPTERS: readonly Chapter[] = [
  ...GRPC,
  FAILURES,
  ...REST,
  TENSORS,
  ...EXTENSIONS,
  STREAMING,
  ...REPOSITORIES,
  ...DIALECTS,
];
