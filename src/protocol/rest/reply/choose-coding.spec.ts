import { expect, it } from 'vitest';
import { chooseCoding } from './choose-coding.js';

it.each([
  [undefined, 'identity'],
  ['', 'identity'],
  ['identity', 'identity'],
  ['gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['GZip', 'gzip'],
  ['gzip, deflate, br', 'gzip'],
  ['deflate, gzip', 'deflate'],
  ['br, deflate, gzip', 'deflate'],
  ['identity, gzip', 'identity'],
  ['gzip;q=0.5, deflate;q=0.8', 'deflate'],
  ['gzip ; q=0.5 , identity ; q=0.4', 'gzip'],
  ['gzip;q=0.5, identity', 'identity'],
  ['gzip;q=0.001', 'gzip'],
  ['gzip;q=0', 'identity'],
  ['gzip;q=0, deflate;q=0.1', 'deflate'],
  ['gzip;q=0, identity;q=0', 'identity'],
  ['gzip;level=9;q=0.5, deflate;q=0.4', 'gzip'],
  ['gzip;q=2', 'identity'],
  ['gzip;q=', 'identity'],
  ['gzip;q=-1', 'identity'],
  ['gzip;q=NaN, deflate;q=1.', 'deflate'],
  ['br', 'identity'],
  ['*', 'identity'],
  ['gzipped', 'identity'],
  [',;,q=1,;;', 'identity'],
  ['__proto__', 'identity'],
])('takes from %j %s', (header, coding) => {
  expect(chooseCoding(header)).toBe(coding);
});
