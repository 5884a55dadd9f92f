import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadContext } from '../../../../core/inference/context.js';
import { modelMetadata } from '../../../../core/model/model.decorator.js';
import type { ServableModel } from '../../../../core/model/provider.js';
import type { LoadedModel, OpenInThread } from '../../../../core/runtime/model-runtime.js';
import type { ThreadSource } from '../exchange/messages.js';

/** Opens, loads and warms up the model of a thread. What this throws is the reason why the model is unavailable. */
export async function openInstance(source: ThreadSource, context: LoadContext): Promise<LoadedModel> {
  const file = basename(fileURLToPath(source.module));
  const exported = await importModule(source.module, file);
  const opened =
    source.kind === 'class'
      ? instantiate(exported, file, context)
      : await (exported['open'] as OpenInThread)(source.options, context);
  await opened.model.load?.(context);
  await warmUp(opened.model);
  return opened;
}

async function importModule(module: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(module)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`a worker thread cannot import ${file}: ${reason}`, { cause });
  }
}

function instantiate(exported: Readonly<Record<string, unknown>>, file: string, { name, version }: LoadContext) {
  for (const candidate of Object.values(exported)) {
    if (typeof candidate !== 'function') continue;
    const metadata = modelMetadata(candidate);
    if (metadata?.name !== name || metadata.version !== version) continue;
    const { inputs, outputs } = metadata.signature;
    return { inputs, outputs, model: new (candidate as new () => ServableModel)() };
  }
  throw new Error(
    `${file} exports no model '${name}' version '${version}': export the class from the file whose import.meta.url ` +
      'stands in workerThreads({ module })',
  );
}

/** A model that cannot warm up gives back what it has loaded. */
async function warmUp(model: ServableModel): Promise<void> {
  try {
    await model.warmup?.();
  } catch (failure) {
    await model.unload?.();
    throw failure;
  }
}
