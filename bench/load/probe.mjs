import { Agent, get } from 'node:http';
import { connect } from 'node:http2';
import { summarize } from '../harness/statistics.mjs';

/** Asks every 10 ms over both wires whether the server lives, whether or not it has answered the last time. */

const { http, grpc, seconds } = JSON.parse(process.argv[2]);
process.once('disconnect', () => process.exit(1));
const EVERY_MS = 10;
const EMPTY_FRAME = Buffer.alloc(5);
const LIVE_FRAME = Buffer.from([0, 0, 0, 0, 2, 8, 1]);

const agent = new Agent({ keepAlive: true });
const session = connect(`http://${grpc}`);
const durations = { rest: [], grpc: [] };

function askRest() {
  return new Promise((resolve, reject) => {
    const sent = get(`${http}/v2/health/live`, { agent }, (response) => {
      response.resume();
      response.once('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(response.statusCode))));
    });
    sent.once('error', reject);
  });
}

function askGrpc() {
  return new Promise((resolve, reject) => {
    const headers = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ...headers, ':path': '/inference.GRPCInferenceService/ServerLive' });
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.once('error', reject);
    stream.once('close', () => {
      if (Buffer.concat(chunks).equals(LIVE_FRAME)) resolve();
      else reject(new Error('the server does not live, it says'));
    });
    stream.end(EMPTY_FRAME);
  });
}

async function probe(wire, ask) {
  const start = performance.now();
  await ask();
  durations[wire].push(performance.now() - start);
}

const pending = [];
const timer = setInterval(() => pending.push(probe('rest', askRest), probe('grpc', askGrpc)), EVERY_MS);
setTimeout(async () => {
  clearInterval(timer);
  await Promise.all(pending);
  process.send({ rest: summarize(durations.rest), grpc: summarize(durations.grpc) });
  session.close();
  agent.destroy();
}, seconds * 1_000);
