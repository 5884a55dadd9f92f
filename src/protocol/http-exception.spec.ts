import { BadRequestException, ForbiddenException, HttpException, MethodNotAllowedException } from '@nestjs/common';
import { expect, it } from 'vitest';
import { callersText, outcomeCode } from './http-exception.js';

it.each([
  [200, 'ok'],
  [304, 'ok'],
  [400, 'invalid-argument'],
  [401, 'unauthenticated'],
  [403, 'permission-denied'],
  [404, 'not-found'],
  [405, 'unimplemented'],
  [418, 'invalid-argument'],
  [429, 'resource-exhausted'],
  [500, 'internal'],
  [501, 'unimplemented'],
  [502, 'internal'],
  [503, 'unavailable'],
  [504, 'deadline-exceeded'],
])('%i, without an error of the server itself, counts as %s', (status, code) => {
  expect(outcomeCode(status)).toBe(code);
});

it.each([
  [new ForbiddenException(), 'Forbidden'],
  [new ForbiddenException('not you'), 'not you'],
  [new HttpException('slow down', 429), 'slow down'],
  [new HttpException({ problem: 'short and stout' }, 418), 'Http Exception'],
  [new BadRequestException(['a must be a string', 'b is missing']), 'a must be a string; b is missing'],
  [new HttpException('/secret/path', 404), 'Not Found'],
  [new MethodNotAllowedException('/secret/path'), 'Method Not Allowed'],
  [new HttpException('secret disk', 503), 'Service Unavailable'],
  [new HttpException('secret', 599), 'Error'],
])('%s tells the caller %j', (exception, text) => {
  expect(callersText(exception)).toBe(text);
});
