import { join } from 'node:path';
import { install, run } from './prepare.mjs';

/** Writes docs/reference/protocol.md from test/conformance/features, by the spec that holds it. */

install();
run(process.execPath, [
  join('node_modules', 'vitest', 'vitest.mjs'),
  'run',
  'test/conformance/protocol.spec.ts',
  // Last: it would take a path behind it for its value.
  '--update',
]);
