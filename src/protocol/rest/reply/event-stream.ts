import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { toServingError } from '../../../core/errors/catalogue.js';
import type { ServingError } from '../../../core/errors/serving-error.js';
import { reportError } from '../rest-error.filter.js';

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  // Proxies would gather the events.
  'x-accel-buffering': 'no',
};

/**
 * The body of a reply that is a stream of events (server-sent events), each one line of text.
 *
 * The first event is waited for, so that what fails before it is thrown here, and answered as any other error. What
 * fails later is told as the last event, `{"error": text}`. An event is asked for when the caller has taken those
 * before it; the source is ended when the caller has gone.
 */
export async function eventStream(reply: FastifyReply, events: AsyncGenerator<string, void>): Promise<Readable> {
  const first = await events.next();
  reply.headers(HEADERS);
  const frames = framed(first, events, (error) => reportError(error, reply.request));
  return Readable.from(frames, { objectMode: false });
}

async function* framed(
  first: IteratorResult<string, void>,
  events: AsyncGenerator<string, void>,
  failed: (error: ServingError) => void,
): AsyncGenerator<string, void> {
  try {
    for (let event = first; event.done !== true; event = await events.next()) yield `data: ${event.value}\n\n`;
  } catch (thrown) {
    const error = toServingError(thrown);
    failed(error);
    yield `data: ${JSON.stringify({ error: error.message })}\n\n`;
  } finally {
    // Nobody waits for a source that has to finish something of its own first.
    events.return().catch(() => undefined);
  }
}
