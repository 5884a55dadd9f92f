import { connect } from 'node:http2';

/**
 * Keeps a number of calls in flight on one connection for a while, in a process of its own, and tells how many were
 * answered with the status 0, and how long they took.
 */
const { address, path, frame, streams, seconds, headers } = JSON.parse(process.argv[2]);
const body = Buffer.from(frame, 'base64');
const client = connect(`http://${address}`, { settings: { initialWindowSize: 16 * 1024 * 1024 } });
client.on('connect', () => client.setLocalWindowSize(64 * 1024 * 1024));
client.on('error', () => undefined);

const request = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers };
const latencies = [];
let failed = 0;
let counting = false;
let over = false;

function call() {
  if (over) return;
  const start = performance.now();
  const stream = client.request(request);
  let status;
  stream.on('response', (answer) => (status ??= answer['grpc-status']));
  stream.on('trailers', (trailers) => (status ??= trailers['grpc-status']));
  stream.on('error', () => undefined);
  stream.on('data', () => undefined);
  stream.on('close', () => {
    if (counting) {
      if (status === '0') latencies.push(performance.now() - start);
      else failed++;
    }
    call();
  });
  stream.end(body);
}

for (let index = 0; index < streams; index++) call();
setTimeout(() => {
  counting = true;
  process.send('started');
}, 1_000);
setTimeout(
  () => {
    over = true;
    latencies.sort((a, b) => a - b);
    const at = (share) => latencies[Math.floor(share * (latencies.length - 1))];
    process.send({
      answered: latencies.length,
      failed,
      perSecond: latencies.length / seconds,
      p50: at(0.5),
      p99: at(0.99),
    });
    client.destroy();
  },
  1_000 + seconds * 1_000,
);
