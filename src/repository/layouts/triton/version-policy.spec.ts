import { describe, expect, it } from 'vitest';
import { chooseVersions, missingVersions } from './version-policy.js';

const AVAILABLE = ['10', '9', '1', '2'];

describe('the versions that are served', () => {
  it.each([
    ['without a policy the latest', undefined, ['10']],
    ['with an empty one the latest', {}, ['10']],
    ['the latest', { latest: { num_versions: 1 } }, ['10']],
    ['the latest, 0 being 1', { latest: { num_versions: 0 } }, ['10']],
    ['the latest two', { latest: { num_versions: 2 } }, ['9', '10']],
    ['the latest of fewer', { latest: { num_versions: 7 } }, ['1', '2', '9', '10']],
    ['all', { all: {} }, ['1', '2', '9', '10']],
    ['those that are named', { specific: { versions: [9, 1, 3] } }, ['1', '9']],
    ['none that is there', { specific: { versions: [3] } }, []],
  ])('are %s', (_, policy, expected) => {
    expect(chooseVersions(policy, AVAILABLE)).toEqual(expected);
  });

  it('are told apart beyond what a double can', () => {
    const available = ['9007199254740993', '9007199254740992'];
    expect(chooseVersions({ specific: { versions: [9007199254740993n] } }, available)).toEqual(['9007199254740993']);
    expect(chooseVersions(undefined, available)).toEqual(['9007199254740993']);
  });

  it('are none of none', () => {
    expect(chooseVersions({ latest: { num_versions: 2 } }, [])).toEqual([]);
  });

  it('leave what is available as it is', () => {
    const available = ['2', '1'];
    chooseVersions({ all: {} }, available);
    expect(available).toEqual(['2', '1']);
  });
});

describe('the versions that are missing', () => {
  it('are those that are named and not there', () => {
    expect(missingVersions({ specific: { versions: [1, 3, 4n] } }, AVAILABLE)).toEqual(['3', '4']);
    expect(missingVersions({ latest: { num_versions: 9 } }, AVAILABLE)).toEqual([]);
    expect(missingVersions(undefined, AVAILABLE)).toEqual([]);
  });
});
