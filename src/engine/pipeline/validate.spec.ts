import { describe, expect, it } from 'vitest';
import { bytes, fp32, int32, optional, signature } from '#core';
import { NO_PARAMETERS } from '../../core/inference/parameters.js';
import { handleOf } from '../../../test/support/engine.js';
import { checkInput, checkInputNames, checkRequestedOutputs } from './validate.js';

const model = handleOf({
  signature: signature({
    inputs: { INPUT0: fp32(-1, 16), INPUT1: int32(16), INPUT2: bytes(1) },
    outputs: { OUTPUT0: fp32(-1), OUTPUT1: fp32(-1) },
  }),
});

const lenient = handleOf({
  signature: signature({
    inputs: { INPUT0: fp32(1), INPUT1: fp32(1), INPUT2: fp32(1), INPUT3: optional(fp32(1)) },
    outputs: {},
  }),
});

const refusal = (message: string) => expect.objectContaining({ code: 'invalid-argument', message });

describe('the names of the inputs', () => {
  it('may come in any order', () => {
    expect(() => checkInputNames(model, ['INPUT2', 'INPUT0', 'INPUT1'])).not.toThrow();
  });

  it('may leave out what is optional', () => {
    expect(() => checkInputNames(lenient, ['INPUT0', 'INPUT1', 'INPUT2'])).not.toThrow();
    expect(() => checkInputNames(lenient, ['INPUT0', 'INPUT1', 'INPUT2', 'INPUT3'])).not.toThrow();
    expect(() => checkInputNames(handleOf({ signature: signature({ inputs: {}, outputs: {} }) }), [])).not.toThrow();
  });

  it.each([
    [
      'some are missing',
      ['INPUT0'],
      "expected 3 inputs but got 1 inputs for model 'm'. Got input(s) ['INPUT0'], but missing required input(s) ['INPUT1','INPUT2']. Please provide all required input(s).",
    ],
    [
      'all are missing',
      [],
      "expected 3 inputs but got 0 inputs for model 'm'. Got input(s) [], but missing required input(s) ['INPUT0','INPUT1','INPUT2']. Please provide all required input(s).",
    ],
    ['one is unknown', ['INPUT0', 'INPUT1', 'INPUT2', 'x'], "unexpected inference input 'x' for model 'm'"],
    [
      'one has the name of a method',
      ['INPUT0', 'INPUT1', 'INPUT2', 'toString'],
      "unexpected inference input 'toString' for model 'm'",
    ],
    ['one stands twice', ['INPUT0', 'INPUT0', 'INPUT1', 'INPUT2'], "input 'INPUT0' already exists in request"],
    ['one that nobody knows stands twice', ['x', 'x'], "input 'x' already exists in request"],
  ])('are refused when %s', (_, names, message) => {
    expect(() => checkInputNames(model, names)).toThrow(refusal(message));
  });

  it('are refused with the range of their number where some are optional', () => {
    expect(() => checkInputNames(lenient, [])).toThrow(
      refusal(
        "expected number of inputs between 3 and 4 but got 0 inputs for model 'm'. Got input(s) [], but missing required input(s) ['INPUT0','INPUT1','INPUT2']. Please provide all required input(s).",
      ),
    );
  });
});

describe('an input', () => {
  const [spec = { name: '', datatype: 'FP32', shape: [], optional: false }] = model.inputs;

  it.each([[[0, 16]], [[1, 16]], [[4_000, 16]]])('of shape %j fits [-1,16]', (shape) => {
    expect(() => checkInput('m', spec, 'FP32', shape)).not.toThrow();
  });

  it.each([
    ['INT32', "inference input 'INPUT0' data-type is 'INT32', but model 'm' expects 'FP32'"],
    ['STRING', "inference input 'INPUT0' data-type is '<invalid>', but model 'm' expects 'FP32'"],
    ['fp32', "inference input 'INPUT0' data-type is '<invalid>', but model 'm' expects 'FP32'"],
    ['', "inference input 'INPUT0' data-type is '<invalid>', but model 'm' expects 'FP32'"],
    ['constructor', "inference input 'INPUT0' data-type is '<invalid>', but model 'm' expects 'FP32'"],
  ])('of datatype %j is refused', (datatype, message) => {
    expect(() => checkInput('m', spec, datatype, [1, 16])).toThrow(refusal(message));
  });

  it.each([[[1, 8]], [[16]], [[1, 1, 16]], [[-1, 16]], [[]], [[1, -1]]])('of shape %j is refused', (shape) => {
    expect(() => checkInput('m', spec, 'FP32', shape)).toThrow(
      refusal(
        `unexpected shape for input 'INPUT0' for model 'm'. Expected [-1,16], got [${shape.join(',')}]. NOTE: the shape includes every dimension, that of the batch too; -1 stands for any size.`,
      ),
    );
  });
});

describe('the requested outputs', () => {
  const requested = (...names: string[]) => names.map((name) => ({ name, parameters: NO_PARAMETERS }));

  it('may be none, some or all', () => {
    for (const names of [[], ['OUTPUT1'], ['OUTPUT1', 'OUTPUT0']]) {
      expect(() => checkRequestedOutputs(model, requested(...names))).not.toThrow();
    }
  });

  it.each([
    [['OUTPUT0', 'OUTPUT0'], "output 'OUTPUT0' already exists in request"],
    [['o'], "unexpected inference output 'o' for model 'm'"],
    [[''], "unexpected inference output '' for model 'm'"],
  ])('%j are refused', (names, message) => {
    expect(() => checkRequestedOutputs(model, requested(...names))).toThrow(refusal(message));
  });
});
