import { compare } from '../harness/measure.mjs';
import { comparisonTable, ratioRow } from '../harness/report.mjs';
import { bareGrpc, ours, peers, rawHttp2 } from '../harness/subjects.mjs';
import { grpcWire } from '../harness/wires.mjs';
import { simple } from '../harness/workloads.mjs';

export const name = 'grpc-small';
export const what = 'ModelInfer, 2 x INT32[1,16] raw, 64 streams on 1 connection';
export const target = 'CPU per call <= 1.0 of bare grpc-js';

export async function run(options) {
  const wire = grpcWire({ ...simple, connections: 1, streams: 64 });
  const subjects = [bareGrpc, ours({ serve: ['Simple'] }), rawHttp2, ...peers('grpc', options)];
  const results = await compare(subjects, wire, options);
  const [bare, own] = results;
  return {
    rows: [
      ratioRow({ work: 'gRPC, small', unit: 'CPU us/call', ours: own.cpu, baseline: bare.cpu, atMost: 1 }),
      ratioRow({ work: 'gRPC, small', unit: 'calls/s', digits: 0, ours: own.perSecond, baseline: bare.perSecond }),
    ],
    tables: [comparisonTable(what, results)],
  };
}
