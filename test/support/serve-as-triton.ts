import { join } from 'node:path';
import { type ModelClass, serve, type TestServer } from '#testing';
import { FIXTURE_RUNTIMES } from '../fixtures/backends/index.mjs';

/** A server as clients of Triton expect it, with Triton's example models and some more. */
export const serveAsTriton = (
  models: readonly ModelClass[],
  environment: Readonly<Record<string, string>> = {},
): Promise<TestServer> =>
  serve(models, {
    providers: FIXTURE_RUNTIMES,
    environment: {
      MODEL_REPOSITORY: join(import.meta.dirname, '../fixtures/repository'),
      ONNX_EXECUTION: 'inline',
      SERVER_NAME: 'triton',
      ALLOW_CLIENT_SHM: 'true',
      ...environment,
    },
  });
