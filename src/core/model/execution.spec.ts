import { describe, expect, it } from 'vitest';
import { fp32 } from '../tensor/kinds.js';
import { workerThreads } from './execution.js';
import { Model, modelMetadata } from './model.decorator.js';
import { signature } from './signature.js';

const module = 'file:///srv/fractal.model.js';

describe('workerThreads', () => {
  it('asks for one thread, unless it is told otherwise', () => {
    expect(workerThreads({ module })).toMatchObject({ place: 'worker-threads', module, size: 1 });
    expect(workerThreads({ module, size: 64, maxHeapMb: 128 })).toMatchObject({ size: 64, maxHeapMb: 128 });
  });

  it.each([0, 65, 1.5, Number.NaN, -1])('refuses a size of %d', (size) => {
    expect(() => workerThreads({ module, size })).toThrow(
      new TypeError(`workerThreads: size is an integer from 1 to 64, got ${size}`),
    );
  });

  it.each([0, -1, Number.NaN])('refuses a heap of %d MiB', (maxHeapMb) => {
    expect(() => workerThreads({ module, maxHeapMb })).toThrow(TypeError);
  });

  it.each(['fractal.model.js', '/srv/fractal.model.js', '#core', 'https://models.example/fractal.js'])(
    'refuses the module %s',
    (path) => {
      expect(() => workerThreads({ module: path })).toThrow(
        new TypeError(`workerThreads: '${path}' is no file: use import.meta.url`),
      );
    },
  );

  it('is recorded on the class', () => {
    const echo = signature({ inputs: { x: fp32(-1) }, outputs: { x: fp32(-1) } });
    const execution = workerThreads({ module });
    class Echo {
      infer({ x }: { x: ReturnType<typeof fp32.of> }) {
        return { x };
      }
    }
    Model('echo', echo, { execution })(Echo);
    expect(modelMetadata(Echo)?.execution).toBe(execution);
  });
});
