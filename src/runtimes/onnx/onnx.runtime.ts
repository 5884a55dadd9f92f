import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MAX_THREADS } from '../../core/model/execution.js';
import type { LoadedModel, ModelArtifact, ModelRuntime, ThreadedModel } from '../../core/runtime/model-runtime.js';
import { Runtime } from '../../core/runtime/runtime.decorator.js';
import { OnnxConfig } from './onnx.config.js';
import { open } from './onnx-session.js';

/** What has more bytes is loaded, and run, beside the event loop in any case. */
const MAX_INLINE_BYTES = 4_000_000;

/** A hop between threads costs some tens of microseconds: a shorter run is better off without. */
const MAX_INLINE_RUN_NS = 100_000;

/** Serves ONNX files: inputs, outputs, datatypes and shapes come from the file, a symbolic dimension is -1. */
@Runtime({ platform: 'onnxruntime_onnx', backend: 'onnxruntime', artifact: 'model.onnx' })
export class OnnxRuntime implements ModelRuntime {
  constructor(private readonly config: OnnxConfig) {}

  async load({ path, instances }: ModelArtifact): Promise<LoadedModel | ThreadedModel> {
    const { ONNX_EXECUTION, ONNX_INSTANCES } = this.config;
    const size = instances ?? ONNX_INSTANCES;
    if (size > MAX_THREADS) {
      throw new Error(`instance_group: ${size} instances are too many: use at most ${MAX_THREADS} threads`);
    }
    if (ONNX_EXECUTION === 'inline') return open({ path });
    const mayBeInline = ONNX_EXECUTION === 'auto' && (await bytesOf(dirname(path))) < MAX_INLINE_BYTES;
    return {
      module: new URL('./onnx-session.js', import.meta.url).href,
      options: { path },
      size,
      ...(mayBeInline ? { inlineUnderNs: MAX_INLINE_RUN_NS } : {}),
      open: () => open({ path }),
    };
  }
}

/** The bytes of all files in a folder: weights may stand beside the model that refers to them. What is gone counts as none. */
async function bytesOf(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = names.map(async (name) => (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
