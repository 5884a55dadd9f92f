import type { IncomingMessage } from 'node:http';
import { BadRequestException, HttpException } from '@nestjs/common';
import { requestHeader } from '../request-header.js';

/** More than any client sends, and few enough that nothing counts them for long. */
const MAX_HEADERS = 256;

/** Why headers that the parser let pass are refused: two servers in a row could read them in two ways. */
export function refuseHeaders(request: IncomingMessage): HttpException | undefined {
  const { rawHeaders, headers, httpVersion } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return new BadRequestException(`HTTP/${httpVersion} is not spoken`);
  const count = rawHeaders.length / 2;
  if (count > MAX_HEADERS) return new HttpException(`${count} headers are more than the ${MAX_HEADERS} allowed`, 431);
  if (httpVersion === '1.0' && requestHeader(headers, 'transfer-encoding') !== undefined) {
    return new BadRequestException('a request of HTTP/1.0 must not have the header Transfer-Encoding');
  }
  return isTwice(rawHeaders, 'host') ? new BadRequestException('the header Host must stand once') : undefined;
}

function isTwice(rawHeaders: readonly string[], name: string): boolean {
  let seen = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const header = rawHeaders[i];
    if (header?.length !== name.length || header.toLowerCase() !== name) continue;
    if (seen) return true;
    seen = true;
  }
  return false;
}
