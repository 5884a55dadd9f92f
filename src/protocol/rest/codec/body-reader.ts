import type { EncodedRequest } from '../../../core/inference/request.js';
import type { NamedSpec } from '../../../core/model/signature.js';
import type { InferRequestParts } from './decode.js';

/** As much of a model's input as it takes to read values for it. */
export type InputForm = Pick<NamedSpec, 'name' | 'datatype' | 'shape'>;

export const inputForms = (inputs: readonly NamedSpec[]): InputForm[] =>
  inputs.map(({ name, datatype, shape }) => ({ name, datatype, shape }));

/** What a body was read as, with whatever else its reader has to tell. */
export interface ReadBody {
  readonly request: EncodedRequest;
}

/** A module that reads bodies of a form of its own. */
export interface ReaderModule<Target = unknown, Read extends ReadBody = ReadBody> {
  /** Reads a body for a target that can be cloned, as its result can but for the inputs. Throws `ServingError`. */
  readonly readBody: (parts: InferRequestParts, target: Target) => Read;
}

/** Such a module, by which a thread finds it as well: it must import nothing of the framework. */
export interface BodyReader<Target, Read extends ReadBody> extends ReaderModule<Target, Read> {
  /** Its `import.meta.url`. */
  readonly module: string;
}
