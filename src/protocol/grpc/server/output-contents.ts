import type { Metadata } from '@grpc/grpc-js';
import { invalidArgument } from '../../../core/errors/catalogue.js';
import type { InferenceResponse } from '../../../core/inference/response.js';
import { TypedResponse } from '../codec/typed-response.js';
import type { ModelInferRequest } from '../messages.js';

/**
 * Where callers find the values of outputs: in `raw_output_contents`, in the `contents` of each output, or, by mirror, in
 * what their request had its own values in.
 */
export const OUTPUT_CONTENTS = ['raw', 'mirror', 'typed'] as const;
export type OutputContents = (typeof OUTPUT_CONTENTS)[number];

const KEY = 'x-oip-output-contents';

/** What a client wants for its call or stream. Throws `invalid-argument` for no such word. */
export function readOutputContents(metadata: Metadata, usual: OutputContents): OutputContents {
  const [wanted] = metadata.get(KEY);
  if (wanted === undefined) return usual;
  const found = OUTPUT_CONTENTS.find((contents) => contents === wanted);
  if (found !== undefined) return found;
  throw invalidArgument(
    `metadata ${KEY}: '${wanted.toString()}' are no contents of outputs: use one of ${OUTPUT_CONTENTS.join(', ')}`,
  );
}

/** The response, marked for the codec where the caller of the request reads typed contents. */
export const answerAsAsked = (
  response: InferenceResponse,
  contents: OutputContents,
  request: ModelInferRequest,
): InferenceResponse => (isTyped(contents, request) ? new TypedResponse(response) : response);

/** Whether the reply to a request has typed contents. Contents without a value are contents: those of an empty tensor. */
const isTyped = (contents: OutputContents, request: ModelInferRequest): boolean =>
  contents === 'typed' ||
  (contents === 'mirror' && request.inputs?.some((input) => input.contents !== undefined) === true);
