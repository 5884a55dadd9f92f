import { connect } from 'node:http2';
import { once } from 'node:events';
import { Server } from '@grpc/grpc-js';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { serve } from '../../../testing/serve.js';
import { clampTimeout, tuneHttp2 } from './http2-tuning.js';

it.each([
  ['1n', '1n'],
  ['0S', '0S'],
  ['2147483S', '2147483S'],
  ['2147484S', '2147483S'],
  ['99999999H', '2147483S'],
  ['99999999M', '2147483S'],
  ['99999999m', '99999999m'],
  ['99999999u', '99999999u'],
  ['soon', 'soon'],
  ['-1S', '-1S'],
  ['', ''],
])('F39 a timeout of %s is counted as %s', (given, expected) => {
  expect(clampTimeout(given)).toBe(expected);
});

it('never lets a timeout overflow 32 bits of milliseconds', () => {
  const units: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };
  fc.assert(
    fc.property(fc.nat(99_999_999), fc.constantFrom('H', 'M', 'S', 'm', 'u', 'n'), (value, unit) => {
      const clamped = clampTimeout(`${value}${unit}`);
      const milliseconds = Number(clamped.slice(0, -1)) * (units[clamped.slice(-1)] ?? 0);
      expect(milliseconds).toBeLessThanOrEqual(2_147_483_647);
      expect(milliseconds).toBeLessThanOrEqual(value * (units[unit] ?? 0));
    }),
  );
});

it('serves a call whose deadline is beyond what grpc-js can count', async () => {
  await using server = await serve();
  const client = connect(`http://${server.addresses.grpc}`);
  const headers = {
    ':method': 'POST',
    ':path': '/inference.GRPCInferenceService/ServerLive',
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': '99999999H',
  };
  const stream = client.request(headers);
  const trailers = once(stream, 'trailers');
  stream.end(Buffer.alloc(5));
  stream.resume();
  expect((await trailers)[0]).toMatchObject({ 'grpc-status': '0' });
  client.close();
});

it('offers windows for large tensors, and as many streams as configured', async () => {
  await using server = await serve([], { environment: { GRPC_MAX_CONCURRENT_STREAMS: '7' } });
  const client = connect(`http://${server.addresses.grpc}`);
  await once(client, 'remoteSettings');
  expect(client.remoteSettings).toMatchObject({ initialWindowSize: 8 * 1024 * 1024, maxConcurrentStreams: 7 });
  client.close();
});

it('refuses a grpc-js that keeps its servers elsewhere', () => {
  const server = new Server();
  expect(() => tuneHttp2(server, 1)).toThrow('http2Servers');
  server.forceShutdown();
});
