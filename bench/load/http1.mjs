import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { Tally } from './tally.mjs';

/** Keeps one POST in flight on each connection for a while; only those with the status 200 count as answered. */

const { url, body, headers, connections, seconds } = JSON.parse(process.argv[2]);
process.once('disconnect', () => process.exit(1));
const bytes = readFileSync(body);
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const options = { method: 'POST', agent, headers: { ...headers, 'content-length': bytes.length } };
const tally = new Tally();

function post() {
  if (tally.over) return;
  const start = performance.now();
  const sent = request(url, options, (response) => {
    let received = 0;
    response.on('data', (chunk) => (received += chunk.length));
    response.on('error', () => undefined);
    response.on('close', () => {
      tally.add(response.complete && response.statusCode === 200, performance.now() - start, received);
      post();
    });
  });
  sent.on('error', (error) => {
    if (!tally.over) throw error;
  });
  sent.end(bytes);
}

for (let index = 0; index < connections; index++) post();
setTimeout(() => {
  process.send(tally.end(seconds));
  agent.destroy();
}, seconds * 1_000);
