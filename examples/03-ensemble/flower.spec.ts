import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fp32 } from '#core';
import { serve, type TestServer } from '#testing';
import { InchesModel } from './inches.model.js';

let repository: string;
let server: TestServer;

beforeAll(async () => {
  repository = await mkdtemp(join(tmpdir(), 'flower-'));
  await cp(join(import.meta.dirname, 'flower'), join(repository, 'flower'), { recursive: true });
  await cp('model-repository/iris', join(repository, 'iris'), { recursive: true });
  server = await serve(InchesModel, { environment: { MODEL_REPOSITORY: repository } });
});

afterAll(async () => {
  await server.close();
  await rm(repository, { recursive: true });
});

const CENTIMETRES = [
  [5.1, 3.5, 1.4, 0.2],
  [6.3, 3.3, 6, 2.5],
];
const INCHES = CENTIMETRES.map((row) => row.map((value) => value / 2.54));

it('runs the class before the ONNX file', async () => {
  const { label } = await server.rest.infer('flower', { inches: INCHES });
  expect(label).toEqual([0, 2]);
  expect(await server.grpc.infer('flower', { inches: INCHES })).toMatchObject({ label: [0, 2] });
});

it('gives what the classifier gives for the same flowers in centimetres', async () => {
  const direct = await server.models.infer('iris', { input: fp32.of([2, 4], CENTIMETRES.flat()) });
  const { probabilities } = await server.models.infer('flower', { inches: fp32.of([2, 4], INCHES.flat()) });
  expect(probabilities?.data).toHaveLength(6);
  for (const [index, probability] of (probabilities?.data ?? []).entries()) {
    expect(probability).toBeCloseTo(Number(direct['probabilities']?.data[index]), 4);
  }
});
