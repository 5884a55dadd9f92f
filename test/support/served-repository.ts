import { afterEach, beforeEach } from 'vitest';
import { serve, type ServeOptions, type TestServer } from '#testing';
import { type Folder, putModel } from './configured-folders.js';
import { FixtureRepository } from './fixture-repository.js';

type Models = Parameters<typeof serve>[0];

/** A repository of its own for each test of the file, and the server that the test starts on it. */
export function servedRepository() {
  let repository: FixtureRepository;
  let server: TestServer | undefined;

  beforeEach(async () => {
    repository = await FixtureRepository.of([]);
  });

  afterEach(async () => {
    await server?.close();
    server = undefined;
    await repository[Symbol.asyncDispose]();
  });

  async function start(
    environment: Record<string, string> = {},
    options: Partial<ServeOptions> = {},
    models: Models = [],
  ): Promise<void> {
    server = await serve(models, { ...options, environment: { MODEL_REPOSITORY: repository.path, ...environment } });
  }

  /** Starts, and tells why the models could not be loaded. */
  async function failure(models: Models = []): Promise<string | undefined> {
    await start({}, { unready: true }, models);
    return server?.settled();
  }

  return {
    get repository(): FixtureRepository {
      return repository;
    },
    get server(): TestServer {
      if (server === undefined) throw new Error('the test has not started its server');
      return server;
    },
    start,
    put: (model: string, folder: Folder): Promise<void> => putModel(repository, model, folder),
    failure,
  };
}
