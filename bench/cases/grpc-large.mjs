import { copiesTable } from '../harness/count-copies.mjs';
import { compare } from '../harness/measure.mjs';
import { comparisonTable, ratioRow } from '../harness/report.mjs';
import { bareGrpc, ours, rawHttp2 } from '../harness/subjects.mjs';
import { grpcWire } from '../harness/wires.mjs';
import { echo } from '../harness/workloads.mjs';

export const name = 'grpc-large';
export const what = 'ModelInfer, FP32[1,1048576] raw (4 MiB each way), 4 streams on 1 connection';
export const target = 'calls/s >= 2.2 of bare grpc-js with its own HTTP/2 windows';

const bareWide = { ...bareGrpc, name: `${bareGrpc.name}, large windows`, options: { windows: true } };

export async function run(options) {
  const workload = echo(1_048_576);
  const wire = grpcWire({ message: workload.message(), contents: workload.contents, connections: 1, streams: 4 });
  const own = ours({ serve: ['Echo'] });
  const results = await compare([bareGrpc, own, bareWide, rawHttp2], wire, options);
  const [bare, measured] = results;
  const copies = await copiesTable([own, bareGrpc], wire, workload.contents[0].length);
  return {
    rows: [
      ratioRow({
        work: 'gRPC, 4 MiB',
        unit: 'calls/s',
        ours: measured.perSecond,
        baseline: bare.perSecond,
        atLeast: 2.2,
      }),
    ],
    tables: [comparisonTable(what, results), copies],
  };
}
