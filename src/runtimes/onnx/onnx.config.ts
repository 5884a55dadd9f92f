import { Int, OneOf } from '../../config/keys.js';

/** Where ONNX models run. */
export class OnnxConfig {
  @OneOf(
    'Where ONNX models run: in the thread that serves (inline), in threads of their own, or (auto) in threads unless a run takes under 100 microseconds and the files are under 4 MB.',
    ['auto', 'inline', 'threads'],
  )
  readonly ONNX_EXECUTION: 'auto' | 'inline' | 'threads' = 'auto';

  @Int('The number of threads of each ONNX model that has threads; each holds the model once.', { min: 1, max: 64 })
  readonly ONNX_INSTANCES: number = 1;
}
