import type { ServerResponse } from 'node:http';

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
