import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { Tally } from './tally.mjs';

/** Keeps gRPC calls in flight for a while; only those with the status 0 count as answered. */

const { address, path, body, headers = {}, connections, streams, seconds } = JSON.parse(process.argv[2]);
process.once('disconnect', () => process.exit(1));
const frame = readFileSync(body);
const request = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers };
const tally = new Tally();

function open() {
  const client = connect(`http://${address}`, { settings: { initialWindowSize: 16 * 1024 * 1024 } });
  client.on('connect', () => client.setLocalWindowSize(64 * 1024 * 1024));
  client.on('error', (error) => {
    if (!tally.over) throw error;
  });
  return client;
}

function call(client) {
  if (tally.over) return;
  const start = performance.now();
  const stream = client.request(request);
  let status;
  let bytes = 0;
  stream.on('response', (answer) => (status ??= answer['grpc-status']));
  stream.on('trailers', (trailers) => (status ??= trailers['grpc-status']));
  stream.on('error', () => undefined);
  stream.on('data', (chunk) => (bytes += chunk.length));
  stream.on('close', () => {
    tally.add(status === '0', performance.now() - start, bytes);
    call(client);
  });
  stream.end(frame);
}

const clients = Array.from({ length: connections }, open);
for (const client of clients) for (let index = 0; index < streams; index++) call(client);
setTimeout(() => {
  process.send(tally.end(seconds));
  for (const client of clients) client.destroy();
}, seconds * 1_000);
