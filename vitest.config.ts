import { defineConfig } from 'vitest/config';

// `#core` and `#testing` resolve to the sources: without the condition the specs would run a stale build.
const conditions = ['source-ts', 'module', 'node', 'development|production'];

export default defineConfig({
  oxc: { target: 'es2022' },
  ssr: { resolve: { conditions, externalConditions: ['source-ts', 'node'] } },
  test: {
    include: ['src/**/*.spec.ts', 'examples/**/*.spec.ts', 'test/**/*.spec.ts', 'test/**/*.e2e-spec.ts'],
    setupFiles: ['./test/setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Most of the time of a spec that has its process to itself goes into imports; none leaves anything behind.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
