import { expect, it } from 'vitest';
import { DATATYPES, type Datatype, datatypeInfo } from './datatype.js';
import { bytes, fp32 } from './kinds.js';
import { zeros } from './zeros.js';

it.each(Object.keys(DATATYPES) as Datatype[])('%s: as many zeros as the shape says', (datatype) => {
  const { data, shape } = zeros({ datatype, shape: [2, 3], optional: false });
  expect([shape, data.length]).toEqual([[2, 3], 6]);
  if (datatype !== 'BYTES') expect(data).toBeInstanceOf(datatypeInfo(datatype).array);
  for (const element of data) expect(Number(element.toString())).toBe(0);
});

it('is of size 1 wherever any size will do', () => {
  expect(zeros(fp32(-1, 2, -1))).toEqual(fp32.of([1, 2, 1], [0, 0]));
  expect(zeros(fp32())).toEqual(fp32.of([], [0]));
  expect(zeros(fp32(0, 4))).toEqual(fp32.of([0, 4], []));
  expect(zeros(bytes(-1))).toEqual(bytes.of([1], ['']));
});
