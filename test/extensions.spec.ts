import { describe, expect, it } from 'vitest';
import { serve, type TestServer } from '#testing';
import { EXTENSIONS } from '../src/app.module.js';
import { extensionNames } from '../src/protocol/extension.decorator.js';
import { get } from './support/wires.js';

/** What goes with the line of a module in `app.module.ts`, and nothing else: its rpcs, its routes, its names. */

interface Brought {
  readonly names: readonly string[];
  /** Rpcs of `inference.GRPCInferenceService`. */
  readonly rpcs?: readonly string[];
  readonly routes?: readonly string[];
}

const BROUGHT: Readonly<Record<string, Brought>> = {
  ClassificationModule: { names: ['classification'] },
  StatisticsModule: {
    names: ['statistics'],
    rpcs: ['ModelStatistics'],
    routes: ['GET /v2/models/stats', 'GET /v2/models/:model/stats', 'GET /v2/models/:model/versions/:version/stats'],
  },
  SharedMemoryModule: {
    names: ['system_shared_memory', 'cuda_shared_memory'],
    rpcs: ['Cuda', 'System'].flatMap((kind) =>
      ['Status', 'Register', 'Unregister'].map((verb) => `${kind}SharedMemory${verb}`),
    ),
    routes: ['cuda', 'system'].flatMap((kind) => [
      `GET /v2/${kind}sharedmemory/status`,
      `GET /v2/${kind}sharedmemory/region/:region/status`,
      `POST /v2/${kind}sharedmemory/region/:region/register`,
      `POST /v2/${kind}sharedmemory/unregister`,
      `POST /v2/${kind}sharedmemory/region/:region/unregister`,
    ]),
  },
  TraceModule: {
    names: ['trace'],
    rpcs: ['TraceSetting'],
    routes: ['GET', 'POST'].flatMap((method) => [
      `${method} /v2/trace/setting`,
      `${method} /v2/models/:model/trace/setting`,
    ]),
  },
  LoggingModule: {
    names: ['logging'],
    rpcs: ['LogSettings'],
    routes: ['GET /v2/logging', 'POST /v2/logging'],
  },
  GenerateModule: {
    names: ['generate'],
    routes: [
      'POST /v2/models/:model/generate',
      'POST /v2/models/:model/generate_stream',
      'POST /v2/models/:model/versions/:version/generate',
      'POST /v2/models/:model/versions/:version/generate_stream',
    ],
  },
  OpenapiModule: { names: [], routes: ['GET /v2/openapi.json', 'GET /v2/docs/dataplane.json'] },
  ReflectionModule: {
    names: [],
    rpcs: ['v1', 'v1alpha'].map((version) => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`),
  },
  KserveV1Module: {
    names: [],
    routes: ['GET /v1/models', 'GET /v1/models/:model', 'POST /v1/models/:model(.+)::predict'],
  },
};

const environment = { GRPC_REFLECTION: 'true' };

async function offered(server: TestServer) {
  const { reply } = await get('/v2')(server);
  return {
    names: (reply as { extensions: string[] }).extensions,
    rpcs: server.rpcs.map((path) => path.replace('/inference.GRPCInferenceService/', '')),
    routes: server.routes.map(({ method, url }) => `${method} ${url}`).filter((route) => !route.startsWith('HEAD')),
  };
}

describe.each(EXTENSIONS.map((module) => [module.name, module] as const))('without %s', (name, module) => {
  it('the server lacks what the module brings, and only that', async () => {
    const { names, rpcs = [], routes = [] } = BROUGHT[name] ?? { names: [] };
    expect(names).toEqual(extensionNames(module));
    await using whole = await serve([], { environment });
    await using without = await serve([], { environment, extensions: EXTENSIONS.filter((other) => other !== module) });
    const [all, rest] = [await offered(whole), await offered(without)];
    const gone = (kind: keyof typeof all) => all[kind].filter((each) => !rest[kind].includes(each)).sort();
    expect(gone('names')).toEqual([...names].sort());
    expect(gone('rpcs')).toEqual([...rpcs].sort());
    expect(gone('routes')).toEqual([...routes].sort());
  });
});
