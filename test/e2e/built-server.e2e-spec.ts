import { join } from 'node:path';
import { Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { describe, expect, it } from 'vitest';
import { mainProcesses } from '../support/main-process.js';

const root = join(import.meta.dirname, '../..');
const start = mainProcesses();

describe('the built server', () => {
  it('serves the samples to clients that know only its contracts, and ends in peace', async () => {
    const server = start({});
    const { http, grpc } = await server.listening();
    expect(server.output).toMatch(/model digits version 1: ready/);

    const definition = loadSync('inference.proto', { includeDirs: [join(root, 'proto')], keepCase: true });
    const { inference } = loadPackageDefinition(definition) as unknown as {
      inference: Record<'GRPCInferenceService', ServiceClientConstructor>;
    };
    const method = inference.GRPCInferenceService.service['ModelInfer'];
    if (method === undefined) throw new Error('the contract has no ModelInfer');
    const client = new Client(grpc, credentials.createInsecure());
    const request = {
      model_name: 'simple',
      inputs: ['INPUT0', 'INPUT1'].map((name) => ({
        name,
        datatype: 'INT32',
        shape: [1, 16],
        contents: { int_contents: Array.from({ length: 16 }, (_, index) => index) },
      })),
    };
    const reply = await new Promise<{ raw_output_contents: Buffer[] }>((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = method;
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, value) =>
        error === null ? resolve(value as { raw_output_contents: Buffer[] }) : reject(error),
      );
    });
    client.close();
    expect(reply.raw_output_contents[0]?.readInt32LE(15 * 4)).toBe(30);

    const live = await fetch(`${http}/v2/health/ready`);
    expect(await live.json()).toEqual({ ready: true });

    server.kill('SIGTERM');
    expect(await server.ended).toBe(0);
  });
});
