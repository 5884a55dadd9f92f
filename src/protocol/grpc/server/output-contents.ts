import type { Metadata } from '@grpc/grpc-js';
import { isObservable, map } from 'rxjs';
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

type Handler = (message: unknown, metadata: unknown, call: unknown) => unknown;

const KEY = 'x-oip-output-contents';

/** What a client wants for its call; not asked where all replies are raw. Throws `invalid-argument` for no such word. */
export function readOutputContents(metadata: Metadata, usual: OutputContents): OutputContents {
  const [wanted] = usual === 'raw' ? [] : metadata.get(KEY);
  if (wanted === undefined) return usual;
  const found = OUTPUT_CONTENTS.find((contents) => contents === wanted);
  if (found !== undefined) return found;
  throw invalidArgument(
    `metadata ${KEY}: '${wanted.toString()}' are no contents of outputs: use one of ${OUTPUT_CONTENTS.join(', ')}`,
  );
}

/** Whether the reply to a request has typed contents. Contents without a value are contents: those of an empty tensor. */
export const isTyped = (contents: OutputContents, { inputs = [] }: ModelInferRequest): boolean =>
  contents === 'typed' || (contents === 'mirror' && inputs.some((input) => input.contents !== undefined));

/** A handler of ModelInfer whose reply is marked for the codec where the caller reads typed contents. */
export const answerAsAsked =
  (handler: Handler, usual: OutputContents): Handler =>
  async (message, metadata, call) => {
    const contents = readOutputContents(metadata as Metadata, usual);
    const result = await handler(message, metadata, call);
    if (!isTyped(contents, message as ModelInferRequest)) return result;
    return isObservable(result) ? result.pipe(map(typed)) : typed(result);
  };

const typed = (response: unknown): TypedResponse => new TypedResponse(response as InferenceResponse);
