import { join } from 'node:path';
import { build, install, run } from './prepare.mjs';

// The faults that the server survives and the attacks that it refuses, with all that they claim: `npm test` runs a part
// of the heavy ones.
install();
build();
process.env.FAULTS = 'full';
const vitest = join('node_modules', 'vitest', 'vitest.mjs');
run(process.execPath, [
  vitest,
  'run',
  'test/faults',
  'test/attacks',
  'test/e2e/json-offload',
  ...process.argv.slice(2),
]);
