import { defineModel } from '../../dist/testing/index.js';
import { createApp } from '../../dist/bootstrap.js';
import { int32, signature } from '#core';

/** The whole server with one model in TypeScript: guards, validation, pipeline, access log at the level of errors. */

const shape = signature({
  inputs: { INPUT0: int32(-1, 16), INPUT1: int32(-1, 16) },
  outputs: { OUTPUT0: int32(-1, 16), OUTPUT1: int32(-1, 16) },
});
const simple = defineModel('simple', shape, ({ INPUT0, INPUT1 }) => ({
  OUTPUT0: INPUT0.map((value, index) => value + INPUT1.data[index]),
  OUTPUT1: INPUT0.map((value, index) => value - INPUT1.data[index]),
}));

const module = { module: class Models {}, providers: [simple] };
const environment = {
  HTTP_PORT: '0',
  GRPC_PORT: '0',
  LOG_LEVEL: 'error',
  AUDIT_LOG: 'off',
  MODEL_REPOSITORY: 'bench/no-repository',
  ...JSON.parse(process.argv[2] ?? '{}'),
};
const server = await createApp({ environment, models: [module] });
const { http, grpc } = await server.listen();
await server.settled();
process.send({ http, grpc });
