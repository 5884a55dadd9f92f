import { compare } from '../harness/measure.mjs';
import { comparisonTable, ratioRow } from '../harness/report.mjs';
import { bareFastify, bareHttp, ours } from '../harness/subjects.mjs';
import { expectJson, restWire } from '../harness/wires.mjs';
import { echo } from '../harness/workloads.mjs';

export const name = 'rest-1024';
export const what = 'REST infer, FP32[1,1024] JSON, echo, 8 connections';
export const target = 'calls/s >= 0.8 of bare Fastify';

export async function run(options) {
  const workload = echo(1_024);
  const wire = restWire({
    path: '/v2/models/echo/infer',
    body: workload.json(),
    expect: expectJson(workload.data),
    connections: 8,
  });
  const results = await compare([bareFastify, ours({ serve: ['Echo'] }), bareHttp], wire, options);
  const [bare, own] = results;
  const figures = { unit: 'calls/s', digits: 0, ours: own.perSecond, baseline: bare.perSecond };
  return {
    rows: [ratioRow({ work: 'REST, 1024 floats JSON', ...figures, atLeast: 0.8 })],
    tables: [comparisonTable(what, results)],
  };
}
