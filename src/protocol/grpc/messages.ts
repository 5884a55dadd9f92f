/** The protobuf messages that controllers and codec read and write; a field that was not set is absent. */

export interface InferParameter {
  readonly bool_param?: boolean;
  readonly int64_param?: string | number;
  readonly string_param?: string;
  readonly double_param?: number;
  readonly uint64_param?: string | number;
}

export type ParameterMap = Readonly<Record<string, InferParameter>>;

export interface InferTensorContents {
  readonly bool_contents?: readonly boolean[];
  readonly int_contents?: readonly number[];
  readonly int64_contents?: readonly string[];
  readonly uint_contents?: readonly number[];
  readonly uint64_contents?: readonly string[];
  readonly fp32_contents?: readonly number[];
  readonly fp64_contents?: readonly number[];
  readonly bytes_contents?: readonly Buffer[];
}

export interface InferInputTensor {
  readonly name?: string;
  readonly datatype?: string;
  readonly shape?: readonly string[];
  readonly parameters?: ParameterMap;
  readonly contents?: InferTensorContents;
}

export interface ModelInferRequest {
  readonly model_name?: string;
  readonly model_version?: string;
  readonly id?: string;
  readonly parameters?: ParameterMap;
  readonly inputs?: readonly InferInputTensor[];
  readonly outputs?: readonly { readonly name?: string; readonly parameters?: ParameterMap }[];
  readonly raw_input_contents?: readonly Buffer[];
}

export interface InferOutputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

export interface ModelInferResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly parameters: ParameterMap;
  readonly outputs: readonly InferOutputTensor[];
  readonly raw_output_contents: readonly Uint8Array[];
}

/** Requests that name a model and perhaps a version. */
export interface ModelVersionRequest {
  readonly name?: string;
  readonly version?: string;
}
