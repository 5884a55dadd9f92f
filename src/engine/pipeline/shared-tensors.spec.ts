import { expect, it } from 'vitest';
import { fp32 } from '#core';
import type { InferenceRequest } from '../../core/inference/request.js';
import { type InferenceResponse, PlacedOutput } from '../../core/inference/response.js';
import type { SharedTensors } from '../../core/inference/shared-tensors.js';
import type { Exchange } from '../../core/inference/stage.js';
import { FakeInferenceCall } from '../../testing/fake-inference-call.js';
import { FakeSharedMemory } from '../../testing/fake-shared-memory.js';
import { SharedTensorPort } from './shared-tensors.js';

const slice = (offset: number) => ({ region: 'r', offset, byteSize: 4 });
const shared: SharedTensors = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1], slice: slice(0) }],
  outputs: [{ name: 'y', slice: slice(4) }],
};
const place = new Map([
  ['shared_memory_region', 'r'],
  ['other', 'kept'],
]);
const request: InferenceRequest = {
  model: 'm',
  version: '',
  id: '',
  parameters: new Map(),
  inputs: { z: fp32.of([1], [3]) },
  outputs: [
    { name: 'y', parameters: place, slice: slice(4) },
    { name: 'w', parameters: new Map() },
  ],
  shared,
};
const model = { name: 'm', version: '1', inputs: [], outputs: [], maxBatchSize: 0, isCached: false };
const exchange: Exchange = { model, request, call: new FakeInferenceCall() };

const seen: InferenceRequest[] = [];
/** Gives x back as y and z as w. */
function answer({ request: { inputs, ...rest } }: Exchange): InferenceResponse {
  seen.push({ inputs, ...rest });
  const { x = fp32.of([0], []), z = fp32.of([0], []) } = inputs;
  const outputs = [
    { name: 'y', tensor: x },
    { name: 'w', tensor: z },
  ];
  return { model: 'm', version: '1', id: '', parameters: new Map(), outputs };
}

function connected() {
  const memory = new FakeSharedMemory();
  const bytes = new Uint8Array(Float32Array.of(7, 0).buffer);
  memory.regions.set('r', bytes);
  const port = new SharedTensorPort();
  port.connect(memory);
  return { memory, port, values: new Float32Array(bytes.buffer) };
}

it('brings inputs in, puts outputs in place, and lets the regions go', async () => {
  const { memory, port, values } = connected();
  const { outputs } = await port.run(exchange, shared, async (inner) => {
    expect(memory.leases).toBe(1);
    return answer(inner);
  });
  expect([...values]).toEqual([7, 7]);
  expect(outputs.map((output) => [output.name, output instanceof PlacedOutput])).toEqual([
    ['y', true],
    ['w', false],
  ]);
  expect(memory.leases).toBe(0);
});

it('hides from the stages where a caller wants its outputs', async () => {
  seen.length = 0;
  await connected().port.run(exchange, shared, async (inner) => answer(inner));
  expect(seen[0]?.outputs).toEqual([
    { name: 'y', parameters: new Map([['other', 'kept']]) },
    { name: 'w', parameters: new Map() },
  ]);
  expect(seen[0]?.shared).toBeUndefined();
});

it('lets the regions go when the model fails, and when a stream is left', async () => {
  const { memory, port } = connected();
  const failing = port.run(exchange, shared, async () => {
    throw new Error('broken');
  });
  await expect(failing).rejects.toThrow('broken');
  expect(memory.leases).toBe(0);
  const stream = port.stream(exchange, shared, async function* (inner) {
    yield answer(inner);
    yield answer(inner);
  });
  await stream.next();
  expect(memory.leases).toBe(1);
  await stream.return();
  expect(memory.leases).toBe(0);
});

it.each<[string, SharedTensors]>([
  ["input 'x'", shared],
  ["output 'y'", { ...shared, inputs: [] }],
])('refuses %s where there is no memory to share', async (where, tensors) => {
  const port = new SharedTensorPort();
  const message = `${where} has the parameter 'shared_memory_region', but this server has no shared memory: send the tensor in the request`;
  const refusal = expect.objectContaining({ code: 'unimplemented', message }) as unknown;
  await expect(port.run(exchange, tensors, async (inner) => answer(inner))).rejects.toEqual(refusal);
});
