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
  readonly name?: string | undefined;
  readonly datatype?: string | undefined;
  readonly shape?: readonly (string | number | bigint)[] | undefined;
  readonly parameters?: ParameterMap | undefined;
  readonly contents?: InferTensorContents | undefined;
}

export interface RequestedOutputTensor {
  readonly name?: string | undefined;
  readonly parameters?: ParameterMap | undefined;
}

export interface ModelInferRequest {
  readonly model_name?: string | undefined;
  readonly model_version?: string | undefined;
  readonly id?: string | undefined;
  readonly parameters?: ParameterMap | undefined;
  readonly inputs?: readonly InferInputTensor[] | undefined;
  readonly outputs?: readonly RequestedOutputTensor[] | undefined;
  readonly raw_input_contents?: readonly Buffer[] | undefined;
}

/** Requests that name a model and perhaps a version. */
export interface ModelVersionRequest {
  readonly name?: string;
  readonly version?: string;
}
