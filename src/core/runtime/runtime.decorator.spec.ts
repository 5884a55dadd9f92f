import { describe, expect, it } from 'vitest';
import type { LoadedModel, ModelRuntime } from './model-runtime.js';
import { Runtime, type RuntimeClaim, runtimeClaim } from './runtime.decorator.js';

const claim: RuntimeClaim = { platform: 'onnxruntime_onnx', backend: 'onnxruntime', artifact: 'model.onnx' };

class EmptyRuntime implements ModelRuntime {
  load(): Promise<LoadedModel> {
    return Promise.resolve({ inputs: [], outputs: [], model: {} });
  }
}

describe('@Runtime', () => {
  it('records its claim on the class', () => {
    @Runtime(claim)
    class OnnxRuntime extends EmptyRuntime {}
    expect(runtimeClaim(OnnxRuntime)).toEqual(claim);
  });

  it('does not pass to a subclass', () => {
    @Runtime(claim)
    class Parent extends EmptyRuntime {}
    class Child extends Parent {}
    expect(runtimeClaim(Child)).toBeUndefined();
  });

  it('is read off a subclass that has one of its own', () => {
    @Runtime(claim)
    class Parent extends EmptyRuntime {}
    @Runtime({ ...claim, artifact: 'model.ort' })
    class Child extends Parent {}
    expect(runtimeClaim(Parent)?.artifact).toBe('model.onnx');
    expect(runtimeClaim(Child)?.artifact).toBe('model.ort');
  });

  it('is not on other classes', () => {
    expect(runtimeClaim(EmptyRuntime)).toBeUndefined();
  });
});
