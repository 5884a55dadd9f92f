import { token } from '../harness/token.mjs';
import { compare } from '../harness/measure.mjs';
import { comparisonTable, ratioRow } from '../harness/report.mjs';
import { bareGrpc, ours } from '../harness/subjects.mjs';
import { grpcWire } from '../harness/wires.mjs';
import { simple } from '../harness/workloads.mjs';

export const name = 'grpc-jwt';
export const what = 'the same as grpc-small, by callers who say who they are: a token (HS256) that was verified before';
export const target = 'CPU per call, as a ratio to bare grpc-js, at most 0.15 above that without authentication';

const SECRET = 'a secret for the benchmark, long enough';
const KEY = 'a-key-for-the-benchmark-0001';

export async function run(options) {
  const wire = grpcWire({ ...simple, connections: 1, streams: 64 });
  const serve = ['Simple'];
  const subjects = [
    bareGrpc,
    ours({ serve }),
    ours({
      name: 'this server, token',
      serve,
      environment: { AUTH_SECRET: SECRET },
      headers: { authorization: `Bearer ${token(SECRET, { sub: 'bench', roles: ['user'] })}` },
    }),
    ours({
      name: 'this server, API key',
      serve,
      environment: { API_KEYS: `bench:${KEY}` },
      headers: { 'x-api-key': KEY },
    }),
  ];
  const results = await compare(subjects, wire, options);
  const [bare, open, byToken] = results;
  const atMost = Number((open.cpu / bare.cpu + 0.15).toFixed(2));
  return {
    rows: [
      ratioRow({ work: 'gRPC, small, token', unit: 'CPU us/call', ours: byToken.cpu, baseline: bare.cpu, atMost }),
    ],
    tables: [comparisonTable(what, results)],
  };
}
