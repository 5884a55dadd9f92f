import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serve, type TestServer } from '#testing';
import { captureLog } from '../support/captured-log.js';
import { WIRES } from '../support/wires.js';
import { type ErrorCase, type ServerKind, SMALL_LIMIT, titleOf } from './error-case.js';
import { ERROR_CASES } from './error-cases.js';
import { EXTENSION_ERROR_CASES } from './extension-error-cases.js';
import { MODELS, Vector } from './models.js';

const SAMPLES = join(import.meta.dirname, '../../model-repository');

const servers = new Map<ServerKind, TestServer>();

captureLog();

beforeAll(async () => {
  const [explicit, uncontrolled, empty, small] = await Promise.all([
    // One of the models fails to load.
    serve(MODELS, { unready: true, environment: { MODEL_REPOSITORY: SAMPLES } }),
    serve(Vector, { environment: { MODEL_CONTROL_MODE: 'none' } }),
    serve([], { environment: { ALLOW_EMPTY_REPOSITORY: 'false' } }),
    serve(Vector, { environment: { MAX_MESSAGE_BYTES: String(SMALL_LIMIT) } }),
  ]);
  await explicit.settled();
  for (const [kind, server] of Object.entries({ explicit, uncontrolled, empty, small })) {
    servers.set(kind as ServerKind, server);
  }
});

afterAll(async () => {
  await Promise.all([...servers.values()].map((server) => server.close()));
});

const CASES = [...ERROR_CASES, ...EXTENSION_ERROR_CASES];

const named = (error: ErrorCase) => [titleOf(error), error] as const;

describe.each(WIRES)('%s', (wire) => {
  const cases = CASES.filter((candidate) => candidate[wire] !== undefined && candidate.send[wire] !== undefined);

  it.each(cases.map(named))('%s', async (_, { on = 'explicit', send, message, ...expected }) => {
    const server = servers.get(on);
    if (server === undefined) throw new Error(`there is no server '${on}'`);
    const answer = await send[wire]?.(server);
    const text = typeof message === 'string' || message instanceof RegExp ? message : message[wire];
    expect(answer).toMatchObject({
      status: expected[wire],
      message: typeof text === 'string' ? text : expect.stringMatching(text),
    });
  });
});
