import { describe, expect, it, vi } from 'vitest';
import { vector } from '../../../../../test/support/engine.js';
import { bytes, fp32, int64, optional } from '../../../../core/tensor/kinds.js';
import { signature } from '../../../../core/model/signature.js';
import type { NamedTensors } from '../../../../core/tensor/tensor.js';
import { measureRun } from './measure-run.js';

describe('the time of a run', () => {
  it('is the shortest of some', async () => {
    const infer = vi.fn(({ x }: NamedTensors) => ({ y: x ?? fp32.of([0], []) }));
    const runNs = await measureRun({ ...vector, model: { infer } });
    expect(runNs).toBeGreaterThanOrEqual(0);
    expect(infer.mock.calls.length).toBeGreaterThan(1);
  });

  it('is taken on zeros that fit the signature, without its optional inputs', async () => {
    const infer = vi.fn(() => ({}));
    const { inputs, outputs } = signature({
      inputs: { x: fp32(-1, 3), t: bytes(2), n: int64(), o: optional(fp32(1)) },
      outputs: {},
    });
    await measureRun({ inputs, outputs, model: { infer } });
    expect(infer).toHaveBeenCalledWith(
      { x: fp32.of([1, 3], [0, 0, 0]), t: bytes.of([2], ['', '']), n: int64.of([], [0n]) },
      expect.objectContaining({ deadline: Infinity }),
    );
  });

  it('is unknown where zeros do not suit the model', async () => {
    const infer = () => Promise.reject(new Error('a divisor of 0'));
    expect(await measureRun({ ...vector, model: { infer } })).toBeUndefined();
  });
});
