import { compare } from '../harness/measure.mjs';
import { comparisonTable, ratioRow } from '../harness/report.mjs';
import { bareGrpc, ours, rawHttp2 } from '../harness/subjects.mjs';
import { grpcWire } from '../harness/wires.mjs';
import { simple } from '../harness/workloads.mjs';

export const name = 'grpc-connections';
export const what = 'ModelInfer, 2 x INT32[1,16] raw, 1 stream on each of 64 connections';
export const target = 'CPU per call <= 1.0 of bare grpc-js';

export async function run(options) {
  const wire = grpcWire({ ...simple, connections: 64, streams: 1 });
  const results = await compare([bareGrpc, ours({ serve: ['Simple'] }), rawHttp2], wire, options);
  const [bare, own] = results;
  return {
    rows: [
      ratioRow({ work: 'gRPC, 64 connections', unit: 'CPU us/call', ours: own.cpu, baseline: bare.cpu, atMost: 1 }),
    ],
    tables: [comparisonTable(what, results)],
  };
}
