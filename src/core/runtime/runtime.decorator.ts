import 'reflect-metadata';
import type { ModelRuntime } from './model-runtime.js';

/** What a runtime claims. */
export interface RuntimeClaim {
  /** The platform in the model's metadata, `onnxruntime_onnx` for one. */
  readonly platform: string;
  /** The backend's name in model configurations, `onnxruntime` for one. */
  readonly backend: string;
  /** The file that makes a version folder this runtime's. */
  readonly artifact: string;
}

const RUNTIME = Symbol('runtime');

/**
 * Lets a class open models of the repository.
 *
 * @example
 * \@Runtime({ platform: 'constant_text', backend: 'constant', artifact: 'constant.txt' })
 * export class ConstantRuntime implements ModelRuntime {
 *   async load({ path }: ModelArtifact): Promise<LoadedModel> {
 *     const constant = Number(await readFile(path, 'utf8'));
 *     const { inputs, outputs } = signature({ inputs: {}, outputs: { y: fp32(1) } });
 *     return { inputs, outputs, model: { infer: () => ({ y: fp32.of([1], [constant]) }) } };
 *   }
 * }
 */
export function Runtime(claim: RuntimeClaim) {
  return (target: new (...args: never[]) => ModelRuntime): void => {
    Reflect.defineMetadata(RUNTIME, claim, target);
  };
}

export const runtimeClaim = (target: object): RuntimeClaim | undefined =>
  Reflect.getOwnMetadata(RUNTIME, target) as RuntimeClaim | undefined;
