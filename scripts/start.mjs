import { build, install, root } from './prepare.mjs';

// Where node_modules and the build are up to date this only starts the server, in this very process, so that
// signals reach it.
install();
build();
process.chdir(root);
await import('../dist/main.js');
