import { STATUS_CODES } from 'node:http';
import type { HttpException } from '@nestjs/common';
import type { ErrorCode } from '../core/errors/serving-error.js';

/**
 * What a status of HTTP means where there is no `ServingError`: it was answered by a handler itself, or stands in an
 * error of Nest or Fastify, such as what a guard or a pipe of Nest refuses by.
 */

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'permission-denied',
  404: 'not-found',
  405: 'unimplemented',
  429: 'resource-exhausted',
  501: 'unimplemented',
  503: 'unavailable',
  504: 'deadline-exceeded',
};

export const outcomeCode = (status: number): 'ok' | ErrorCode =>
  status < 400 ? 'ok' : (BY_STATUS[status] ?? (status < 500 ? 'invalid-argument' : 'internal'));

/** When to try again after a status that says only that it is not now. */
export const retryAfterMsOf = (status: number): number | undefined =>
  status === 429 || status === 503 ? 1_000 : undefined;

/** The text of the exception that reaches the caller: its own below 500, but for those into which Nest puts the path. */
export function callersText(exception: HttpException): string {
  const status = exception.getStatus();
  if (NEUTRAL.has(status) || status >= 500) return STATUS_CODES[status] ?? 'Error';
  return detailsOf(exception);
}

const NEUTRAL: ReadonlySet<number> = new Set([404, 405]);

/** Nest's validation keeps its list of problems in the response, and a summary in the message. */
function detailsOf(exception: HttpException): string {
  const response = exception.getResponse();
  const details = typeof response === 'object' && 'message' in response ? response.message : response;
  return Array.isArray(details) ? details.join('; ') : exception.message;
}
