import { it } from 'vitest';
import { Client, credentials } from '@grpc/grpc-js';
import { serve } from '#testing';

it('probe', async () => {
  process.on('unhandledRejection', (e) => console.log('UNHANDLED', e));
  process.on('uncaughtException', (e) => console.log('UNCAUGHT', e));
  await using server = await serve([]);
  const client = new Client(server.addresses.grpc, credentials.createInsecure());
  const send = (path: string, bytes: Buffer) => new Promise((resolve) => client.makeUnaryRequest(path, (x: Buffer) => x, (x: Buffer) => x, bytes, {deadline: Date.now() + 2000} as never, (e: unknown, r: unknown) => resolve(e ?? r)));
  console.log(String(await send('/inference.GRPCInferenceService/ModelMetadata', Buffer.from([0x0a, 3, 0xed, 0xa0, 0x80]))));
  console.log(String(await send('/inference.GRPCInferenceService/ModelMetadata', Buffer.from('0a05' + Buffer.from('a\u{1f600}').toString('hex'), 'hex'))));
  const long = Buffer.from('x'.repeat(999 - "Request for unknown model: '".length ) + '\u{1f600}'.repeat(20));
  const len = Buffer.from([(long.length & 0x7f) | 0x80, long.length >> 7]);
  console.log(String(await send('/inference.GRPCInferenceService/ModelMetadata', Buffer.concat([Buffer.from([0x0a]), len, long]))).slice(0,200));
  const cjk = Buffer.from('\u4e2d'.repeat(4000));
  const varint = (n: number) => { const b = []; while (n > 127) { b.push((n & 127) | 128); n >>>= 7; } b.push(n); return Buffer.from(b); };
  console.log(String(await send('/inference.GRPCInferenceService/ModelMetadata', Buffer.concat([Buffer.from([0x0a]), varint(cjk.length), cjk]))).length);
  client.close();
});
