import { move, transferableSymbol, valueSymbol } from 'piscina';
import { packError } from '../../../../core/errors/packed-error.js';
import type { InferContext } from '../../../../core/inference/context.js';
import type { LoadedModel } from '../../../../core/runtime/model-runtime.js';
import type { NamedTensors } from '../../../../core/tensor/tensor.js';
import { FlagSignal } from '../exchange/abort-flag.js';
import type { Answer, RunRequest, Started, StartRequest } from '../exchange/messages.js';
import { unpackTensors } from '../exchange/packed-tensors.js';
import { measureRun } from './measure-run.js';
import { openInstance } from './open-instance.js';
import { Delivery, ThreadRun } from './thread-run.js';

/** What runs in a worker thread: one instance of a model, one task at a time. It imports core, and never Nest. */

interface Instance extends LoadedModel {
  readonly name: string;
  readonly flag: SharedArrayBuffer;
}

interface OpenStream {
  readonly run: ThreadRun;
  readonly iterator: AsyncIterator<NamedTensors> | Iterator<NamedTensors>;
}

let instance: Instance | undefined;
let streaming: OpenStream | undefined;

export const start = answering(async (request: StartRequest): Promise<Started> => {
  const { source, name, version, flag, sequence, measure } = request;
  const aborted = new FlagSignal(flag, sequence);
  const opened = await openInstance(source, { name, version, signal: aborted.signal });
  aborted.release();
  instance = { ...opened, name, flag };
  const { inputs, outputs, model } = opened;
  const runNs = measure ? await measureRun(opened) : undefined;
  return { inputs, outputs, decoupled: model.infer === undefined, ...(runNs === undefined ? {} : { runNs }) };
});

export const infer = answering(async (request: RunRequest): Promise<Delivery> => {
  const { model, name, flag } = loaded();
  const run = new ThreadRun(name, flag, request);
  try {
    return run.deliver(await model.infer?.(unpackTensors(request.inputs), run.context));
  } finally {
    run.release();
  }
});

export const open = answering(async (request: RunRequest): Promise<void> => {
  const { model, name, flag } = loaded();
  const run = new ThreadRun(name, flag, request);
  const outputs = model.stream?.(unpackTensors(request.inputs), run.context as InferContext);
  if (outputs === undefined) throw new TypeError('stream returned nothing to iterate');
  const iterator = Symbol.asyncIterator in outputs ? outputs[Symbol.asyncIterator]() : outputs[Symbol.iterator]();
  streaming = { run, iterator };
});

export const next = answering(async (): Promise<Delivery | undefined> => {
  if (streaming === undefined) throw new Error('no stream is open in this thread');
  const { run, iterator } = streaming;
  run.resume();
  const { done, value } = await iterator.next();
  return done === true ? undefined : run.deliver(value);
});

export const end = answering(async (): Promise<void> => {
  const ended = streaming;
  streaming = undefined;
  ended?.run.release();
  await ended?.iterator.return?.();
});

export const unload = answering(async (): Promise<void> => {
  const { model } = loaded();
  instance = undefined;
  await model.unload?.();
});

function loaded(): Instance {
  if (instance === undefined) throw new Error('no model is loaded in this thread');
  return instance;
}

/** Nothing is thrown across: a task that fails answers with its error. */
function answering<Request, Result>(task: (request: Request) => Promise<Result>) {
  return async (request: Request): Promise<unknown> => {
    try {
      const value = await task(request);
      if (!(value instanceof Delivery)) return { ok: true, value } satisfies Answer<Result>;
      return move({ [transferableSymbol]: value.moved, [valueSymbol]: { ok: true, value: value.result } });
    } catch (thrown) {
      return { ok: false, error: packError(thrown) } satisfies Answer<Result>;
    }
  };
}
