/** What a request for an inference says of its inputs, as a message of gRPC or decoded. */
interface InferMessage {
  readonly inputs?: readonly { readonly shape?: readonly (string | number | bigint)[] }[];
}

/** The first dimension of the first input; `undefined` for what is no message of an inference. */
export function batchOf(message: unknown): number | undefined {
  const { inputs } = (message ?? {}) as InferMessage;
  return Array.isArray(inputs) ? Number((inputs as InferMessage['inputs'])?.[0]?.shape?.[0] ?? 1) : undefined;
}
