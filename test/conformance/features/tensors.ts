import { chapter, type Feature, no, yes } from './feature.js';
import * as t from './files.js';

const datatype = (name: string, who: string): Feature =>
  yes(
    `${name}: raw, typed, binary and JSON`,
    who,
    t.roundTrip('raw contents', 'typed contents', 'binary data', 'JSON'),
  );

const half = (name: string, who: string): Feature =>
  yes(
    `${name}: raw and binary`,
    who,
    t.roundTrip('raw contents', 'binary data'),
    t.contentsFaults('F11: %s takes one entry of raw bytes and nothing else'),
  );

export const TENSORS = chapter('4', 'Datatypes', [
  ...['BOOL', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64', 'FP32', 'FP64', 'BYTES'].map(
    (name) => datatype(name, 'OTMKSA'),
  ),
  half('FP16', 'OTMKSA'),
  half('BF16', 'TK'),
  yes(
    'One entry of raw bytes for half floats in typed contents',
    'MA',
    t.contentsFaults('F11: %s takes one entry of raw bytes and nothing else'),
  ),
  no('FP16 as numbers in JSON', 'M', 'Triton and KServe refuse it, and so do we: row 33'),
  yes('Names in their case alone', 'T', t.errors('2.2 row 9: a datatype in lower case is unknown')),
  yes(
    'Bare NaN and Infinity, `null` and texts',
    'TM',
    t.valueFaults('F14: NaN, infinities, -0 and subnormals in JSON, %s'),
  ),
  yes(
    'NaN as `null` in replies, by configuration',
    'M',
    t.valueFaults('F14: %s in strict JSON, when the server is told so'),
  ),
  yes('64-bit integers with every digit', 'T', t.valueFaults('F12: every digit survives, $model')),
  yes('Integers within their range', '', t.valueFaults('F13: what is no %s')),
  yes(
    'Whole fractions for integers, numbers for texts',
    '',
    t.clients('makes a fraction of each number, in a tensor of %s'),
  ),
  yes('Any nesting of the right count', 'T', t.dataFaults('F06: rectangular %s is read row by row')),
  yes('Tensors without elements', 'OTMKS', t.shapeFaults('F04: a tensor without elements, %s')),
  yes('Scalars', 'T', t.shapeFaults('F04: a scalar')),
  yes('Any byte but 0 is true', 'T', t.roundTrip('any byte but 0 is true')),
]);
