import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { int32, signature } from '../../src/core/index.js';
import { defineModel, serve } from '../../src/testing/index.js';

const values = signature({ inputs: { x: int32(-1) }, outputs: { y: int32(-1) } });
const open = defineModel('open', values, ({ x }) => ({ y: x }));
const secret = defineModel('secret', values, ({ x }) => ({ y: x }));

const KEY = 'a-key-of-an-analyst-0001';

it('F45 a stream that changes its model is asked about each one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'roles-'));
  const AUTHZ_ROLES_FILE = join(folder, 'roles.json');
  writeFileSync(
    AUTHZ_ROLES_FILE,
    JSON.stringify({ roles: { analyst: { inference: ['open'] } }, users: { ann: ['analyst'] } }),
  );
  const environment = { API_KEYS: `ann:${KEY}`, AUTHZ: 'roles', AUTHZ_ROLES_FILE };
  try {
    await using server = await serve([open, secret], { environment });
    const stream = server.grpc.duplex('ModelStreamInfer', { metadata: { 'x-api-key': KEY } });
    for (const model_name of ['open', 'secret', 'nope', 'open']) {
      stream.write({
        model_name,
        id: model_name,
        inputs: [{ name: 'x', datatype: 'INT32', shape: [1], contents: { int_contents: [1] } }],
      });
    }
    stream.end();
    const answers: string[] = [];
    for await (const reply of stream) answers.push((reply as { error_message?: string }).error_message ?? 'served');
    expect(answers).toEqual([
      'served',
      "Permission denied: 'ann' has no right to inference on model 'secret'",
      "Permission denied: 'ann' has no right to inference on model 'nope'",
      'served',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
