import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { echo, vector } from '../../../test/support/engine.js';
import { workerThreads } from '../../core/model/execution.js';
import { ModelOpener } from './model-opener.js';

const loaded = { inputs: vector.inputs, outputs: vector.outputs, model: echo };
const context = { name: 'm', version: '1', signal: new AbortController().signal };

let opener: ModelOpener;
const warn = vi.fn();

beforeEach(() => {
  opener = new ModelOpener();
  warn.mockReset();
  vi.spyOn(Logger.prototype, 'warn').mockImplementation(warn);
});

afterEach(() => {
  vi.restoreAllMocks();
});

it('leaves a model that wants no threads where it is', async () => {
  expect(await opener.openArtifact(loaded, context)).toBe(loaded);
  expect(await opener.openClass(loaded, undefined, context)).toBe(loaded);
  expect(warn).not.toHaveBeenCalled();
});

it('runs models in this process where threads cannot load them, and says so once', async () => {
  const execution = workerThreads({ module: import.meta.url });
  expect(await opener.openClass(loaded, execution, context)).toBe(loaded);
  expect(await opener.openClass(loaded, execution, { ...context, name: 'other' })).toBe(loaded);
  expect(warn).toHaveBeenCalledExactlyOnceWith({
    message: 'models run in this process: threads cannot load TypeScript, only what is built',
    model: 'm',
  });
});

it('opens an artifact in this process where threads cannot', async () => {
  const open = vi.fn(() => Promise.resolve(loaded));
  const wish = { module: 'file:///m.js', options: {}, size: 2, open };
  expect(await opener.openArtifact(wish, context)).toBe(loaded);
  expect(open).toHaveBeenCalledExactlyOnceWith(context);
});
