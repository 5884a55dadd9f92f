import { readFileSync } from 'node:fs';

/** The servers that stand beside each other; the options of ours are its models and its environment. */

const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
/** What `npm start` tells Node.js. */
export const nodeArguments = scripts.start.split(' ').filter((word) => word.startsWith('--'));

export const ours = ({ name = 'this server', headers = {}, ...options }) => ({
  name,
  file: 'ours.mjs',
  headers,
  options,
  nodeArguments,
});
export const bareGrpc = { name: 'bare grpc-js + proto-loader', file: 'bare-grpc.mjs' };
export const rawHttp2 = { name: 'node:http2 alone, opaque', file: 'raw-http2.mjs', opaque: true };
export const bareFastify = { name: 'bare Fastify', file: 'bare-fastify.mjs' };
export const bareHttp = { name: 'node:http', file: 'bare-http.mjs' };

/** Servers that run already, of one wire, as the command names them: `--peer grpc=HOST:PORT`. */
export const peers = (wire, { peers: all, peerPids }) =>
  all
    .filter((peer) => peer.wire === wire)
    .map(({ address }) => ({
      name: `peer ${address}`,
      running: { grpc: address, http: `http://${address}`, pids: peerPids, stop: () => undefined },
    }));
