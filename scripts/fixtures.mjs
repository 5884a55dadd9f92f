import { build, install, root } from './prepare.mjs';

// The server of the models that the example clients of Triton ask for, on Triton's own ports; arguments name the
// models of test/fixtures/repository to serve, all of them by default.
install();
build();
process.chdir(root);
await import('../test/fixtures/server.mjs');
