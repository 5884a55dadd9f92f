import { fileURLToPath } from 'node:url';
import { SERVER_CORE } from '../harness/cores.mjs';
import { inferMessage } from '../harness/grpc-messages.mjs';
import { compare } from '../harness/measure.mjs';
import { ask } from '../harness/node-process.mjs';
import { comparisonTable, ratioRow } from '../harness/report.mjs';
import { median } from '../harness/statistics.mjs';
import { bareGrpc, ours } from '../harness/subjects.mjs';
import { grpcWire } from '../harness/wires.mjs';

export const name = 'onnx';
export const what = 'ModelInfer on the sample digits, 8 streams on 1 connection, against its session alone in a loop';
export const target = 'none: how much the server adds to a run';

const repository = fileURLToPath(new URL('../../model-repository', import.meta.url));
const path = `${repository}/digits/1/model.onnx`;

export async function run(options) {
  const runs = [];
  for (let round = 0; round < options.rounds; round++) {
    runs.push(
      await ask('micro/onnx-session.mjs', { path, seconds: options.seconds }, { core: SERVER_CORE, timeoutMs: 60_000 }),
    );
  }
  const [{ input, dims, outputs }] = runs;
  const message = inferMessage({
    model_name: 'digits',
    inputs: [{ name: input.name, datatype: 'FP32', shape: dims }],
    raw_input_contents: [Buffer.from(input.data, 'base64')],
  });
  const contents = outputs.map((data) => Buffer.from(data, 'base64'));
  const wire = grpcWire({ message, contents, connections: 1, streams: 8 });
  const environment = { MODEL_REPOSITORY: repository, LOAD_MODELS: 'digits' };
  const results = await compare(
    [
      { ...bareGrpc, name: 'bare grpc-js + session', options: { model: { name: 'digits', path } } },
      ours({ environment }),
      ours({ name: 'this server, in a thread', environment: { ...environment, ONNX_EXECUTION: 'threads' } }),
    ],
    wire,
    options,
  );
  const direct = median(runs.map(({ cpu }) => cpu));
  const [bare, own] = results;
  const alone = { subject: 'the session alone', cpu: direct, perSecond: 1e6 / median(runs.map(({ wall }) => wall)) };
  return {
    rows: [
      ratioRow({
        work: 'digits over gRPC, against its session alone',
        unit: 'CPU us/call',
        ours: own.cpu,
        baseline: direct,
      }),
      ratioRow({
        work: 'digits, what the server adds to its session, against bare grpc-js',
        unit: 'CPU us/call',
        ours: own.cpu - direct,
        baseline: bare.cpu - direct,
      }),
    ],
    tables: [comparisonTable(what, [alone, ...results])],
  };
}
