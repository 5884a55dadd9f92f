import { describe, expect, it } from 'vitest';
import { echoModels } from '../support/echo-models.js';
import { inferPath, onlyOutput, post } from '../support/wires.js';
import { surviving } from './survives.js';

/** F22 to F24: bodies that are no JSON, or more of it than anyone should read. */

const server = surviving(echoModels([-1]));

const path = inferPath('echo_INT64');
const good = '{"inputs":[{"name":"x","datatype":"INT64","shape":[2],"data":[1,2]}]}';

const send = (body: string | Buffer, to = path) => post(to, body)(server());

describe('rest', () => {
  it.each([
    ['empty', '', /the body is empty/],
    ['blank', ' \n', /unexpected end of JSON/],
    ['null', 'null', /the body must be a JSON object, got null/],
    ['an array', '[]', /the body must be a JSON object, got an array/],
    ['a number', '7', /the body must be a JSON object, got 7/],
    ['a text', '"inputs"', /the body must be a JSON object, got "inputs"/],
    ['a word', 'NaN', /the body must be a JSON object, got NaN/],
    ['cut off', good.slice(0, -2), /unexpected end of JSON/],
    ['a byte order mark', `\ufeff${good}`, /byte order mark/],
    ['trailing garbage', `${good}}`, /unexpected character "}" at position \d+/],
    ['two bodies', good + good, /unexpected character "{" at position \d+/],
    ['a comma too many', good.replace('2]', '2,]'), /unexpected character/],
    ['single quotes', good.replaceAll('"', "'"), /unexpected character "'"/],
    ['a comment', `/* */${good}`, /unexpected character "\/"/],
    ['a control character', good.replace('x', '\u0001'), /JSON/],
    ['UTF-16', Buffer.from(good, 'utf16le'), /JSON/],
    ['Latin-1', Buffer.from(good.replace('x', 'ü'), 'latin1'), /the body is not UTF-8/],
    ['protobuf', Buffer.from('0a04736d70', 'hex'), /JSON/],
    ['a form', 'inputs=1&outputs=2', /unexpected character "i"/],
  ])('F22: %s', async (_, body, message) => {
    expect(await send(body)).toMatchObject({
      status: 400,
      message: expect.stringMatching(new RegExp(`^Unable to parse 'inputs': .*${message.source}`)) as unknown,
    });
  });

  it.each([
    ['inputs', `{"inputs":5,${good.slice(1)}`],
    ['inputs, scanned for every digit', `{"inputs":5,${good.slice(1).replace('1,2', '9007199254740993,2')}`],
    ['shape', good.replace('"shape"', '"shape":[7],"shape"')],
    ['data', good.replace('"data"', '"data":"none","data"')],
    ['__proto__', good.replace('{', '{"__proto__":{"id":5},"__proto__":{"inputs":7},')],
  ])('F23: of two keys the last wins, %s', async (_, body) => {
    expect(onlyOutput(await send(body))).toMatchObject({ shape: [2], data: [expect.anything(), 2] });
  });

  it('F23: even when the last is wrong', async () => {
    expect(await send(`${good.slice(0, -1)},"inputs":5}`)).toMatchObject({
      status: 400,
      message: "Unable to parse 'inputs': the request must have a JSON array there, got 5",
    });
  });

  const DEPTH = 100_000;
  const arrays = (core: string): string => '['.repeat(DEPTH) + core + ']'.repeat(DEPTH);
  const objects = (core: string): string => '{"a":'.repeat(DEPTH) + core + '}'.repeat(DEPTH);
  const input = (fields: string): string => `{"inputs":[{"name":"x","datatype":"INT64","shape":[2],${fields}}]}`;

  it.each([
    ['arrays at the root', arrays('1'), /the body must be a JSON object, got an array/],
    ['objects at the root', objects('1'), /the request must have a JSON array there, got nothing/],
    ['brackets that nobody closes', '['.repeat(DEPTH), /JSON is nested deeper than 1000 levels/],
    ['braces that nobody closes', '{"a":'.repeat(DEPTH), /JSON is nested deeper than 1000 levels/],
    ['brackets that nobody opens', `1${']'.repeat(DEPTH)}`, /unexpected character "\]"/],
    ['the inputs', `{"inputs":${arrays('1')}}`, /each of the inputs must be a JSON object, got an array/],
    ['data', input(`"data":${arrays('1,2')}`), /JSON nesting depth exceeds maximum allowed limit \(100\)/],
    ['data of objects', input(`"data":[1,${objects('2')}]`), /input 'x' of datatype INT64 .* got an object/],
    ['data with digits to keep', input(`"data":${arrays('9007199254740993,2')}`), /nested deeper than 1000 levels/],
    ['data with a bare word', input(`"data":${arrays('NaN,2')}`), /nested deeper than 1000 levels/],
    ['a shape', input('"data":[1,2]').replace('[2]', arrays('2')), /'shape': a dimension of input 'x' .* got an array/],
    ['a name', good.replace('"x"', arrays('1')), /'name': each of the inputs .* got an array/],
    ['parameters', `{"parameters":{"deep":${arrays('1')}},${good.slice(1)}`, /'deep' of the request .* got an array/],
    ['parameters themselves', `{"parameters":${objects('1')},${good.slice(1)}`, /'a' of the request .* got an object/],
    ['parameters of an input', input(`"parameters":{"deep":${objects('1')}},"data":[1,2]`), /'deep' of input 'x'/],
    ['outputs', `{"outputs":[${arrays('1')}],${good.slice(1)}`, /each of the outputs .* got an array/],
    ['an id', `{"id":${objects('1')},${good.slice(1)}`, /'id': the request .* got an object/],
  ])('F24: 100 000 levels in %s', async (_, body, message) => {
    expect(await send(body)).toMatchObject({ status: 400, message: expect.stringMatching(message) as unknown });
  });

  it.each([
    ['arrays', arrays('1')],
    ['objects', objects('1')],
  ])('F24: 100 000 levels of %s where nobody looks', async (_, deep) => {
    expect(onlyOutput(await send(`{"unknown":${deep},${good.slice(1)}`))).toMatchObject({ data: [1, 2] });
  });

  it.each([
    ['/v2/repository/index', `{"unknown":${arrays('1')}}`, 200, /^$/],
    ['/v2/repository/index', `{"ready":${arrays('1')}}`, 400, /'ready'/],
    ['/v2/repository/index', arrays('1'), 400, /must be a JSON object/],
    ['/v2/repository/index', '['.repeat(DEPTH), 400, /nested deeper than 1000 levels/],
    ['/v2/repository/models/probe/load', `{"parameters":{"deep":${objects('1')}}}`, 400, /load parameter 'deep'/],
    ['/v2/repository/models/probe/load', `{"parameters":{"config":${arrays('1')}}}`, 400, /load parameter 'config'/],
    ['/v2/repository/models/probe/unload', `{"parameters":${arrays('1')}}`, 400, /'parameters'/],
  ])('F24: 100 000 levels in a body of %s', async (to, body, status, message) => {
    expect(await send(body, to)).toMatchObject({ status, message: expect.stringMatching(message) as unknown });
  });
});
