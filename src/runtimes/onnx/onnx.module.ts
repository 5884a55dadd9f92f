import { Module } from '@nestjs/common';
import { OnnxRuntime } from './onnx.runtime.js';

/** ONNX files, run by the native onnxruntime. */
@Module({ providers: [OnnxRuntime] })
export class OnnxModule {}
