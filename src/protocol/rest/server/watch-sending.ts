import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';

/**
 * Gives up a connection whose caller takes nothing of a reply for so many milliseconds. Call it when the reply is about
 * to be sent.
 */
export function watchSending(reply: ServerResponse, timeoutMs: number): void {
  if (reply.socket === null) {
    // Pipelined behind a reply that is not sent yet.
    reply.once('socket', () => watchSending(reply, timeoutMs));
    return;
  }
  const { socket } = reply;
  socket.setTimeout(timeoutMs);
  // Before Node.js sets the time that an idle connection is kept: that one then holds.
  reply.prependOnceListener('finish', () => socket.setTimeout(0));
}

/**
 * The same for a reply that is made while it is sent: its source may take its time, the caller must take what there is.
 */
export function watchStreaming(reply: ServerResponse, source: Readable, timeoutMs: number): void {
  const waitFor = (milliseconds: number) => (): void => {
    if (reply.socket === null) reply.once('socket', waitFor(milliseconds));
    else reply.socket.setTimeout(milliseconds);
  };
  // A source that is piped is paused while the connection takes nothing.
  source.on('pause', waitFor(timeoutMs)).once('end', waitFor(timeoutMs));
  reply.on('drain', waitFor(0));
  reply.prependOnceListener('finish', waitFor(0));
}
