/** The protobuf messages that controllers and codec read and write; a field that was not set is absent. */

export interface InferParameter {
  readonly bool_param?: boolean;
  readonly int64_param?: string | number | bigint;
  readonly string_param?: string;
  readonly double_param?: number;
  readonly uint64_param?: string | number | bigint;
}

export type ParameterMap = Readonly<Record<string, InferParameter>>;

/** Values as typed arrays where they came packed; 64-bit integers may also be decimal strings. */
export interface InferTensorContents {
  readonly bool_contents?: ArrayLike<boolean | number>;
  readonly int_contents?: ArrayLike<number>;
  readonly int64_contents?: ArrayLike<string | bigint>;
  readonly uint_contents?: ArrayLike<number>;
  readonly uint64_contents?: ArrayLike<string | bigint>;
  readonly fp32_contents?: ArrayLike<number>;
  readonly fp64_contents?: ArrayLike<number>;
  readonly bytes_contents?: readonly Buffer[];
}

export interface InferInputTensor {
  readonly name?: string;
  readonly datatype?: string;
  readonly shape?: readonly (string | number | bigint)[];
  readonly parameters?: ParameterMap;
  readonly contents?: InferTensorContents;
}

export interface RequestedOutputTensor {
  readonly name?: string;
  readonly parameters?: ParameterMap;
}

export interface ModelInferRequest {
  readonly model_name?: string;
  readonly model_version?: string;
  readonly id?: string;
  readonly parameters?: ParameterMap;
  readonly inputs?: readonly InferInputTensor[];
  readonly outputs?: readonly RequestedOutputTensor[];
  readonly raw_input_contents?: readonly Buffer[];
}

/** Requests that name a model and perhaps a version. */
export interface ModelVersionRequest {
  readonly name?: string;
  readonly version?: string;
}
