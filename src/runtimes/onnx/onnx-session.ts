import { basename } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import type { NamedSpec } from '../../core/model/signature.js';
import type { LoadedModel } from '../../core/runtime/model-runtime.js';
import { OnnxModel } from './onnx-model.js';
import { fromOnnxType } from './onnx-types.js';

export interface OnnxSessionOptions {
  /** The absolute path of the file. */
  readonly path: string;
}

/** Opens a file as a model, in the thread that calls: reading it and making the session hold that thread up. */
export async function open({ path }: OnnxSessionOptions): Promise<LoadedModel> {
  const ort = await import('onnxruntime-node');
  const session = await ort.InferenceSession.create(path, {
    // The session runs in the thread that opened it: more threads would only spin beside it.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    // What fails is thrown as well, and logged where it is caught: native code shall not write beside our log.
    logSeverityLevel: 4,
  }).catch((failure: unknown) => {
    throw new Error(withoutFolders(failure, path), { cause: failure });
  });
  const inputs = session.inputMetadata.map(toSpec);
  return { inputs, outputs: session.outputMetadata.map(toSpec), model: new OnnxModel(ort, session, inputs) };
}

function toSpec(metadata: InferenceSession.ValueMetadata): NamedSpec {
  if (!metadata.isTensor) throw new Error(`'${metadata.name}' is no tensor: sequences and maps cannot be served`);
  return {
    name: metadata.name,
    datatype: fromOnnxType(metadata.type, metadata.name),
    shape: metadata.shape.map((dimension) => (typeof dimension === 'number' && dimension >= 0 ? dimension : -1)),
    optional: false,
  };
}

/** The runtime's own text reaches callers as the reason of a failed load; where the file lies is not theirs to know. */
const withoutFolders = (failure: unknown, path: string): string =>
  (failure instanceof Error ? failure.message : String(failure)).replaceAll(path, basename(path));
