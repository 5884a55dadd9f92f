import 'reflect-metadata';
import * as ort from 'onnxruntime-node';
import { Departures } from '../../dist/core/inference/departures.js';
import { fp32 } from '../../dist/core/tensor/kinds.js';
import { ModelHandle } from '../../dist/engine/registry/model-handle.js';
import { RequestQueue } from '../../dist/engine/scheduling/queue/request-queue.js';
import { open } from '../../dist/runtimes/onnx/onnx-session.js';
import { median } from '../harness/statistics.mjs';

/**
 * The schedulers alone, in one process: an ONNX model that many callers ask one row each of, with and without batches;
 * a batcher that has nothing to do but one request; a queue with little and with much in it.
 */

const { path, rounds, seconds } = JSON.parse(process.argv[2]);
process.once('disconnect', () => process.exit(1));

const CALLERS = 32;
const NO_PARAMETERS = new Map();

/** As the server's own calls: a signal is made for who asks for one, and nobody does here. */
const callOf = (departures = new Departures()) => ({
  requestId: 'r',
  departures,
  deadline: Infinity,
  principal: undefined,
  timings: { queueNs: 0, computeNs: 0, observed: undefined, execution: undefined },
});

const requestOf = (inputs) => ({ model: 'm', version: '', id: '', parameters: NO_PARAMETERS, outputs: [], inputs });

const handleOf = (opened, scheduling) => new ModelHandle('m', '1', 'onnx', { ...opened, scheduling }, { maxSize: 0 });

/** How many calls a second all callers make together, each one after the other. */
async function callsPerSecond(call, callers, milliseconds) {
  const start = performance.now();
  const end = start + milliseconds;
  let count = 0;
  const caller = async () => {
    while (performance.now() < end) {
      const answered = await call();
      count += answered;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (count * 1_000) / (performance.now() - start);
}

async function inBatches() {
  const opened = await open({ path });
  const [{ name, shape }] = opened.inputs;
  const dims = shape.slice(1);
  const width = dims.reduce((product, size) => product * size, 1);
  const row = Float32Array.from({ length: width }, (_, index) => (index % 17) / 16);
  const inputs = { [name]: fp32.of([1, ...dims], row) };
  const session = await ort.InferenceSession.create(path, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  const whole = Float32Array.from({ length: CALLERS * width }, (_, index) => row[index % width]);
  const direct = async () => {
    await session.run({ [name]: new ort.Tensor('float32', whole, [CALLERS, ...dims]) });
    return CALLERS;
  };
  const through = (scheduling) => {
    const { scheduler } = handleOf(opened, scheduling);
    return async () => {
      await scheduler.enqueue(requestOf(inputs), callOf());
      return 1;
    };
  };
  const ways = {
    direct: [direct, 1],
    batched: [through({ batching: { maxSize: CALLERS } }), CALLERS],
    alone: [through({ instances: 1 }), CALLERS],
  };
  const rates = { direct: [], batched: [], alone: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const [way, [call, callers]] of Object.entries(ways)) {
      const rate = await callsPerSecond(call, callers, round === 0 ? 300 : seconds * 1_000);
      if (round > 0) rates[way].push(rate);
    }
  }
  return Object.fromEntries(Object.entries(rates).map(([way, values]) => [way, median(values)]));
}

/** Microseconds that one request takes which nobody joins, at the median. */
async function idle() {
  const x = fp32.of([1, 4], [1, 2, 3, 4]);
  const model = { infer: async (inputs) => ({ y: inputs.x }) };
  const tensors = [
    [{ name: 'x', datatype: 'FP32', shape: [-1, 4], optional: false }],
    [{ name: 'y', datatype: 'FP32', shape: [-1, 4], optional: false }],
  ];
  const [inputs, outputs] = tensors;
  const took = {};
  for (const [way, scheduling] of Object.entries({ batcher: { batching: { maxSize: CALLERS } }, direct: {} })) {
    const { scheduler } = handleOf({ inputs, outputs, model }, scheduling);
    const times = [];
    for (let index = 0; index < 20_000; index++) {
      const start = performance.now();
      await scheduler.enqueue(requestOf({ x }), callOf());
      times.push((performance.now() - start) * 1_000);
      // A turn of the event loop, as between two calls from outside.
      await new Promise(setImmediate);
    }
    took[way] = median(times.slice(5_000));
  }
  return took;
}

/** Microseconds that a request takes to enter a queue and to leave it again, with so many others in it. */
function queueing(depth) {
  const gone = new Error('the caller has gone');
  const queue = new RequestQueue({ maxSize: 0 });
  const request = requestOf({});
  const entryOf = (departures) => ({
    request,
    call: callOf(departures),
    admit: () => undefined,
    refuse: () => undefined,
  });
  for (let index = 0; index < depth; index++) queue.add(entryOf());
  const times = [];
  for (let round = 0; round < 30; round++) {
    const callers = Array.from({ length: 1_000 }, () => new Departures());
    const entries = callers.map((departures) => entryOf(departures));
    const start = performance.now();
    for (const [index, entry] of entries.entries()) {
      queue.add(entry);
      callers[index].end(gone);
    }
    times.push(performance.now() - start);
  }
  if (queue.size !== depth) throw new Error(`${queue.size} wait in a queue of ${depth}`);
  return median(times);
}

// Once for the compiler.
queueing(10);
process.send({
  rates: await inBatches(),
  idle: await idle(),
  queue: { shallow: queueing(10), deep: queueing(10_000) },
});
