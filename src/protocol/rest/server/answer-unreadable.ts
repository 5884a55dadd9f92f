import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

const UNREADABLE: Readonly<Record<string, number>> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 };

/** Bytes that are no HTTP, or come too slowly: Node.js stops before there is a request to answer, and says why. */
export function answerUnreadable({ code = '', message }: NodeJS.ErrnoException, socket: Socket): void {
  if (code === 'ECONNRESET' || socket.destroyed) return;
  const status = UNREADABLE[code] ?? 400;
  const standard = STATUS_CODES[status] ?? 'Error';
  // The parser has no words of its own for a body that is shorter than its Content-Length.
  const reason = code === 'HPE_INVALID_EOF_STATE' ? 'Parse Error: the connection ended before the body did' : message;
  const body = JSON.stringify({ error: /^(?:HPE_|ERR_HTTP_)/.test(code) ? reason : standard });
  const head = [
    `HTTP/1.1 ${status} ${standard}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Content-Type: application/json',
    'Connection: close',
  ];
  if (socket.writable && !isAnswering(socket)) socket.write([...head, '', body].join('\r\n'));
  socket.destroy();
}

/** Whether a reply is on its way already: it must not have another one in its middle. */
const isAnswering = (socket: Socket): boolean =>
  (socket as { readonly _httpMessage?: ServerResponse | null })._httpMessage?.headersSent === true;
