import * as authentication from './authentication.mjs';
import * as batching from './batching.mjs';
import * as codec from './codec.mjs';
import * as coldStart from './cold-start.mjs';
import * as grpcConnections from './grpc-connections.mjs';
import * as grpcJwt from './grpc-jwt.mjs';
import * as grpcLarge from './grpc-large.mjs';
import * as grpcSmall from './grpc-small.mjs';
import * as live from './live.mjs';
import * as memory from './memory.mjs';
import * as onnx from './onnx.mjs';
import * as rest1024 from './rest-1024.mjs';
import * as rest4mib from './rest-4mib.mjs';
import * as restSmall from './rest-small.mjs';

/**
 * The cases, in the order of their tables. Each has a name, what it measures, its target in words, and
 * `run(options)`, which gives rows for the one table and tables of its own.
 */
export const cases = [
  grpcSmall,
  grpcJwt,
  grpcConnections,
  grpcLarge,
  codec,
  restSmall,
  rest1024,
  rest4mib,
  live,
  coldStart,
  memory,
  onnx,
  batching,
  authentication,
];
