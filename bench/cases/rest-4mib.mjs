import { copiesTable } from '../harness/count-copies.mjs';
import { compare } from '../harness/measure.mjs';
import { comparisonTable, ratioRow } from '../harness/report.mjs';
import { bareFastify, bareHttp, ours } from '../harness/subjects.mjs';
import { restWire } from '../harness/wires.mjs';
import { echo } from '../harness/workloads.mjs';

export const name = 'rest-4mib';
export const what = 'REST infer, FP32[1,1048576] by the binary extension (4 MiB each way), echo, 4 connections';
export const target = 'calls/s >= 0.9 of bare Fastify, which sends the body back';

export async function run(options) {
  const workload = echo(1_048_576);
  const [raw] = workload.contents;
  const wire = restWire({
    path: '/v2/models/echo/infer',
    body: workload.binary(),
    headers: workload.binaryHeaders,
    expect: (bytes, headers) => {
      const tensor = bytes.subarray(Number(headers.get('inference-header-content-length')));
      if (!tensor.equals(raw)) throw new Error('the tensor of the reply is not the expected one');
    },
    connections: 4,
  });
  const own = ours({ serve: ['Echo'] });
  const results = await compare([bareFastify, own, bareHttp], wire, options);
  const [bare, measured] = results;
  const figures = { unit: 'calls/s', ours: measured.perSecond, baseline: bare.perSecond };
  return {
    rows: [ratioRow({ work: 'REST, 4 MiB binary', ...figures, atLeast: 0.9 })],
    tables: [comparisonTable(what, results), await copiesTable([own, bareFastify], wire, raw.length)],
  };
}
