import { compare } from '../harness/measure.mjs';
import { comparisonTable, ratioRow } from '../harness/report.mjs';
import { bareFastify, bareHttp, ours, peers } from '../harness/subjects.mjs';
import { expectJson, restWire } from '../harness/wires.mjs';
import { simple } from '../harness/workloads.mjs';

export const name = 'rest-small';
export const what = 'REST infer, 2 x INT32[1,16] JSON, 8 connections';
export const target = 'CPU per call <= 1.3 of bare Fastify';

export async function run(options) {
  const wire = restWire({
    path: '/v2/models/simple/infer',
    body: simple.json,
    expect: expectJson(simple.data),
    connections: 8,
  });
  const subjects = [bareFastify, ours({ serve: ['Simple'] }), bareHttp, ...peers('rest', options)];
  const results = await compare(subjects, wire, options);
  const [bare, own] = results;
  return {
    rows: [
      ratioRow({ work: 'REST, small JSON', unit: 'CPU us/call', ours: own.cpu, baseline: bare.cpu, atMost: 1.3 }),
      ratioRow({ work: 'REST, small JSON', unit: 'calls/s', digits: 0, ours: own.perSecond, baseline: bare.perSecond }),
    ],
    tables: [comparisonTable(what, results)],
  };
}
