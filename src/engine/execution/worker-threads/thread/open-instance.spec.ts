import { beforeEach, describe, expect, it } from 'vitest';
import { fp32 } from '../../../../core/tensor/kinds.js';
import { Model } from '../../../../core/model/model.decorator.js';
import { signature } from '../../../../core/model/signature.js';
import { openInstance } from './open-instance.js';

const vector = signature({ inputs: { x: fp32(-1) }, outputs: { y: fp32(-1) } });
const context = { name: 'listed', version: '1', signal: new AbortController().signal };
const source = { kind: 'class', module: import.meta.url } as const;

let events: string[];
let failing: string;

@Model('listed', vector)
export class ListedModel {
  load(): void {
    events.push('load');
  }

  warmup(): void {
    events.push('warmup');
    if (failing === 'warmup') throw new Error('no memory');
  }

  unload(): void {
    events.push('unload');
  }

  infer({ x }: { x: ReturnType<typeof fp32.of> }) {
    return { y: x };
  }
}

beforeEach(() => {
  events = [];
  failing = '';
});

describe('a class', () => {
  it('is found by its name and version, made, loaded and warmed up', async () => {
    const { inputs, outputs, model } = await openInstance(source, context);
    expect(model).toBeInstanceOf(ListedModel);
    expect({ inputs, outputs }).toEqual({ inputs: vector.inputs, outputs: vector.outputs });
    expect(events).toEqual(['load', 'warmup']);
  });

  it('gives back what it has loaded when it cannot warm up', async () => {
    failing = 'warmup';
    await expect(openInstance(source, context)).rejects.toThrow('no memory');
    expect(events).toEqual(['load', 'warmup', 'unload']);
  });

  it.each([
    ['another name', { ...context, name: 'other' }],
    ['another version', { ...context, version: '2' }],
  ])('is not found under %s', async (_, wanted) => {
    await expect(openInstance(source, wanted)).rejects.toThrow(
      /^open-instance\.spec\.ts exports no model '\w+' version '\d': export the class from the file/,
    );
  });
});

it('a module that cannot be imported is named, without its folder', async () => {
  const module = new URL('./absent.mjs', import.meta.url).href;
  await expect(openInstance({ kind: 'class', module }, context)).rejects.toThrow(
    /^a worker thread cannot import absent\.mjs: /,
  );
});
