import { createServer } from 'node:http2';

/** The ceiling of the platform: node:http2 that sends the request's bytes back, without a look at them. */

process.once('disconnect', () => process.exit(1));

const server = createServer({ settings: { initialWindowSize: 8 * 1024 * 1024 } });
server.on('session', (session) => session.setLocalWindowSize(32 * 1024 * 1024));
server.on('stream', (stream) => {
  const chunks = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('error', () => undefined);
  stream.on('end', () => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => !stream.destroyed && stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.concat(chunks));
  });
});
server.listen(0, '127.0.0.1', () => process.send({ grpc: `127.0.0.1:${server.address().port}` }));
