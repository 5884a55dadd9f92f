import { Injectable } from '@nestjs/common';
import { unimplemented } from '../../core/errors/catalogue.js';
import { ServingError } from '../../core/errors/serving-error.js';
import type { InferenceCall } from '../../core/inference/call.js';
import type { Parameters } from '../../core/inference/parameters.js';
import { type InferenceResponse, PlacedOutput } from '../../core/inference/response.js';
import type { RegionLease, SharedMemory } from '../../core/inference/shared-memory.js';
import { SHARED_MEMORY_KEYS, type SharedOutput, type SharedTensors } from '../../core/inference/shared-tensors.js';
import type { Exchange } from '../../core/inference/stage.js';
import { decodeRaw, encodeRaw } from '../../core/tensor/raw.js';
import { namedTensors, type Tensor } from '../../core/tensor/tensor.js';

/** Brings the tensors that callers keep in shared memory to the models, and their outputs back. */
@Injectable()
export class SharedTensorPort {
  private memory: SharedMemory | undefined;

  /** Takes the memory of the extension that has it; without one, requests that name regions are refused. */
  connect(memory: SharedMemory): void {
    this.memory = memory;
  }

  /** Runs one request whose tensors are shared; its regions are held until its outputs are in place. */
  async run(
    exchange: Exchange,
    shared: SharedTensors,
    next: (exchange: Exchange) => Promise<InferenceResponse>,
  ): Promise<InferenceResponse> {
    const lease = this.lease(shared, exchange.call);
    try {
      const response = await next(await withInputs(exchange, shared, lease));
      return await withOutputs(response, shared.outputs, lease);
    } finally {
      lease.release();
    }
  }

  /** The same for a decoupled model: each response takes the place of the one before it. */
  async *stream(
    exchange: Exchange,
    shared: SharedTensors,
    next: (exchange: Exchange) => AsyncIterable<InferenceResponse>,
  ): AsyncGenerator<InferenceResponse, void> {
    const lease = this.lease(shared, exchange.call);
    try {
      for await (const response of next(await withInputs(exchange, shared, lease))) {
        yield await withOutputs(response, shared.outputs, lease);
      }
    } finally {
      lease.release();
    }
  }

  private lease(shared: SharedTensors, call: InferenceCall): RegionLease {
    if (this.memory !== undefined) return this.memory.lease(shared, call);
    const { inputs, outputs } = shared;
    const where = inputs[0] === undefined ? `output '${outputs[0]?.name ?? ''}'` : `input '${inputs[0].name}'`;
    throw unimplemented(
      `${where} has the parameter 'shared_memory_region', but this server has no shared memory: send the tensor in the request`,
    );
  }
}

async function withInputs(exchange: Exchange, shared: SharedTensors, lease: RegionLease): Promise<Exchange> {
  const { model, request } = exchange;
  const inputs = Object.assign(namedTensors(), request.inputs) as Record<string, Tensor>;
  for (const { name, datatype, shape, slice } of shared.inputs) {
    inputs[name] = decodeRaw(datatype, shape, await lease.read(slice), { input: name, model: model.name });
  }
  // Where a caller wants its outputs says nothing of them: stages see requests that are alike.
  const outputs = request.outputs.map(({ name, parameters }) => ({ name, parameters: withoutPlace(parameters) }));
  return { ...exchange, request: { ...request, inputs, outputs, shared: undefined } };
}

const withoutPlace = (parameters: Parameters): Parameters =>
  new Map([...parameters].filter(([name]) => !name.startsWith(SHARED_MEMORY_KEYS)));

/** Nothing is written before everything fits. */
async function withOutputs(
  response: InferenceResponse,
  places: readonly SharedOutput[],
  lease: RegionLease,
): Promise<InferenceResponse> {
  const writes = places.flatMap(({ name, slice }) => {
    const output = response.outputs.find((candidate) => candidate.name === name);
    return output === undefined ? [] : [{ name, slice, bytes: encodeRaw(output.tensor) }];
  });
  for (const { name, slice, bytes } of writes) {
    if (bytes.byteLength > slice.byteSize) throw tooSmall(name, slice.byteSize, bytes.byteLength);
  }
  for (const { slice, bytes } of writes) await lease.write(slice, bytes);
  const outputs = response.outputs.map((output) =>
    writes.some(({ name }) => name === output.name) ? new PlacedOutput(output.name, output.tensor) : output,
  );
  return { ...response, outputs };
}

const tooSmall = (output: string, given: number, needed: number): ServingError =>
  new ServingError(
    'internal',
    `shared memory size specified with the request for output '${output}' (${given} bytes) should be at least ${needed} bytes to hold the results`,
  );
