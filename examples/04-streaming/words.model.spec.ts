import { afterAll, beforeAll, expect, it } from 'vitest';
import { bytes } from '#core';
import { serve, type TestServer } from '#testing';
import { WordsModel } from './words.model.js';

let server: TestServer;

beforeAll(async () => {
  server = await serve(WordsModel);
});

afterAll(() => server.close());

const textOf = (text: string) => bytes.of([1], [text]);

it('says word after word', async () => {
  const said: string[] = [];
  const { signal } = new AbortController();
  for await (const { word } of new WordsModel().stream({ text: textOf('to be  or not') }, { signal })) {
    said.push(...word.text());
  }
  expect(said).toEqual(['to', 'be', 'or', 'not']);
});

it('stops when its caller goes', async () => {
  const caller = new AbortController();
  const words = new WordsModel().stream({ text: textOf('to be') }, caller);
  expect((await words.next()).done).toBe(false);
  caller.abort();
  await expect(words.next()).rejects.toThrow('aborted');
});

it('is streamed over gRPC, and as events over REST', async () => {
  const stream = server.grpc.duplex('ModelStreamInfer');
  stream.write({
    model_name: 'words',
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], contents: { bytes_contents: [Buffer.from('to be')] } }],
  });
  stream.end();
  const said: string[] = [];
  for await (const reply of stream as AsyncIterable<{ infer_response: { raw_output_contents: Buffer[] } }>) {
    said.push(reply.infer_response.raw_output_contents[0]?.subarray(4).toString() ?? '');
  }
  expect(said).toEqual(['to', 'be']);

  const { bytes: events } = await server.rest.post('/v2/models/words/generate_stream', { text: 'to be' });
  const words = events.toString().trim().split('\n\n');
  expect(words.map((event) => (JSON.parse(event.slice('data: '.length)) as { word: string }).word)).toEqual(said);
});
