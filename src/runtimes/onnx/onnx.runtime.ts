import { basename } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import type { NamedSpec } from '../../core/model/signature.js';
import type { LoadedModel, ModelArtifact, ModelRuntime } from '../../core/runtime/model-runtime.js';
import { Runtime } from '../../core/runtime/runtime.decorator.js';
import { OnnxModel } from './onnx-model.js';
import { fromOnnxType } from './onnx-types.js';

/** Serves ONNX files: inputs, outputs, datatypes and shapes come from the file, a symbolic dimension is -1. */
@Runtime({ platform: 'onnxruntime_onnx', backend: 'onnxruntime', artifact: 'model.onnx' })
export class OnnxRuntime implements ModelRuntime {
  async load({ path }: ModelArtifact): Promise<LoadedModel> {
    const ort = await import('onnxruntime-node');
    const session = await ort.InferenceSession.create(path, {
      // The session runs in the thread that serves: more threads would only spin beside it.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
    }).catch((failure: unknown) => {
      throw new Error(withoutFolders(failure, path), { cause: failure });
    });
    return {
      inputs: session.inputMetadata.map(toSpec),
      outputs: session.outputMetadata.map(toSpec),
      model: new OnnxModel(ort, session),
    };
  }
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
