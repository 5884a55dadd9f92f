import { Agent, request } from 'node:http';
import grpc from '@grpc/grpc-js';
import { contract, INFER } from '../harness/grpc-messages.mjs';
import { residentMb } from '../harness/process-usage.mjs';
import { median } from '../harness/statistics.mjs';
import { simple } from '../harness/workloads.mjs';

/**
 * Makes calls of all kinds, a bounded number at a time, and looks at the server's memory meanwhile. Of each twenty calls
 * one is cancelled and one is bad; each must end as it should.
 */

const { http, grpc: address, pids, calls } = JSON.parse(process.argv[2]);
process.once('disconnect', () => process.exit(1));
const CONCURRENCY = 32;
const STREAMED = 4;
/** A connection that has reset a thousand streams, and goes on, is taken for an attack by the HTTP/2 of Node.js. */
const CALLS_OF_A_CONNECTION = 10_000;
const clients = [];
let client;
const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
const same = (bytes) => bytes;
const badMessage = contract.ModelInfer.requestSerialize({
  model_name: 'simple',
  inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [1, 15] }],
});
const repeatRequest = {
  model_name: 'repeat',
  inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1, STREAMED] }],
  raw_input_contents: [Buffer.alloc(4 * STREAMED)],
};

/** How a unary call ends: the name of its status. */
const unary = (message, cancel) =>
  new Promise((resolve) => {
    const call = client.makeUnaryRequest(INFER, same, same, message, (error) => {
      resolve(grpc.status[error?.code ?? 0]);
    });
    if (cancel) setImmediate(() => call.cancel());
  });

const rest = (body, cancel) =>
  new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(`${http}/v2/models/simple/infer`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.once('error', () => resolve('CANCELLED'));
      response.once('end', () => resolve(String(response.statusCode)));
    });
    sent.once('error', () => resolve('CANCELLED'));
    sent.end(body);
    if (cancel) setImmediate(() => sent.destroy());
  });

const stream = (cancel, bad) =>
  new Promise((resolve) => {
    const { path, requestSerialize, responseDeserialize } = contract.ModelStreamInfer;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    let replies = 0;
    let refused = 0;
    call.on('data', ({ error_message }) => {
      replies++;
      if (error_message) refused++;
      if (cancel) call.cancel();
    });
    call.on('error', () => undefined);
    call.on('status', ({ code }) => resolve(`${grpc.status[code]} ${refused > 0 ? 'refused' : replies}`));
    call.write(bad ? { ...repeatRequest, model_name: 'nobody' } : repeatRequest);
    call.end();
  });

const KINDS = {
  'unary gRPC': {
    good: [() => unary(simple.message), ['OK']],
    bad: [() => unary(badMessage), ['INVALID_ARGUMENT']],
    cancelled: [() => unary(simple.message, true), ['CANCELLED', 'OK']],
  },
  REST: {
    good: [() => rest(simple.json), ['200']],
    bad: [() => rest('{"inputs":[{"name":"INPUT0","datatype":"INT32","shape":[1,15],"data":[1]}]}'), ['400']],
    cancelled: [() => rest(simple.json, true), ['CANCELLED', '200']],
  },
  stream: {
    good: [() => stream(false, false), [`OK ${STREAMED}`]],
    bad: [() => stream(false, true), ['OK refused']],
    cancelled: [() => stream(true, false), ['CANCELLED 1', 'CANCELLED 2', 'CANCELLED 3', `OK ${STREAMED}`]],
  },
};
const names = Object.keys(KINDS);

const counts = {};
let begun = 0;
let ended = 0;
const sizes = Array.from({ length: 10 }, () => []);

async function work() {
  while (begun < calls) {
    if (begun % CALLS_OF_A_CONNECTION === 0) {
      client = new grpc.Client(address, grpc.credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
      clients.push(client);
    }
    const index = begun++;
    const name = names[index % names.length];
    const fate = { 0: 'cancelled', 1: 'bad' }[Math.floor(index / names.length) % 20] ?? 'good';
    const [run, expected] = KINDS[name][fate];
    const result = await run();
    if (!expected.includes(result)) throw new Error(`a ${fate} call, ${name}, ended with ${result}`);
    counts[`${name}, ${fate}: ${result}`] = (counts[`${name}, ${fate}: ${result}`] ?? 0) + 1;
    ended++;
  }
}

/** The last part of each tenth is looked at, some hundred times. */
const sampler = setInterval(() => {
  const progress = (ended / calls) * 10;
  if (progress % 1 > 0.6) sizes[Math.floor(progress)]?.push(residentMb(pids));
}, 10);
await Promise.all(Array.from({ length: CONCURRENCY }, work));
clearInterval(sampler);
process.send({ samples: sizes.map((values) => (values.length === 0 ? Number.NaN : median(values))), counts });
for (const each of clients) each.close();
agent.destroy();
