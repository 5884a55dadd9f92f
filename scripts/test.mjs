import { join } from 'node:path';
import { build, install, run } from './prepare.mjs';

// The built server is part of what is tested.
install();
build();
run(process.execPath, [join('node_modules', 'vitest', 'vitest.mjs'), 'run', ...process.argv.slice(2)]);
