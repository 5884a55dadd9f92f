import { createApp } from '../../dist/bootstrap.js';

/**
 * The whole server with some models of models.mjs: guards, validation, pipeline; the log at the level of errors, no
 * audit.
 */

const { environment = {}, serve = [] } = JSON.parse(process.argv[2] ?? '{}');
process.once('disconnect', () => process.exit(1));

class Models {}
const models = await import('./models.mjs');
const server = await createApp({
  environment: {
    HTTP_PORT: '0',
    GRPC_PORT: '0',
    LOG_LEVEL: 'error',
    AUDIT_LOG: 'off',
    MODEL_REPOSITORY: 'bench/no-repository',
    ALLOW_EMPTY_REPOSITORY: 'true',
    ...environment,
  },
  models: [{ module: Models, providers: serve.map((name) => models[name]) }],
});
const { http, grpc } = await server.listen();
for (const { name, state } of await server.settled()) {
  if (state.kind !== 'ready') throw new Error(`model '${name}' is ${state.kind}: ${state.reason}`);
}
process.send({ http, grpc });
