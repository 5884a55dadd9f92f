import { toServingError } from '../../../core/errors/catalogue.js';
import { packError, type PackedError } from '../../../core/errors/packed-error.js';
import type { EncodedRequest } from '../../../core/inference/request.js';
import { type InferenceResponse, type OutputTensor, PlacedOutput } from '../../../core/inference/response.js';
import { isDatatype } from '../../../core/tensor/datatype.js';
import type { EncodedTensor } from '../../../core/tensor/encoded-tensor.js';
import { decodeJsonData } from '../../../core/tensor/json-data.js';
import { decodeRaw, encodeRaw } from '../../../core/tensor/raw.js';
import type { Tensor } from '../../../core/tensor/tensor.js';
import type { ReaderModule } from './body-reader.js';
import type { CodecResult, ModuleJob, OwnJob, Posted, SentContents, SentParts, SentResponse } from './codec-jobs.js';
import { decodeInferRequest, type InferRequestParts } from './decode.js';
import { encodeInferResponse, type EncodedReply } from './encode.js';
import { ownBytes } from './own-bytes.js';
import type { WriterModule } from './reply-writer.js';

/** Does a job, in the other thread. Never throws: what goes wrong is a result. */
export function runCodecJob(job: OwnJob): Posted<CodecResult> {
  try {
    return job.kind === 'decode' ? runDecode(job.parts) : runEncode(job);
  } catch (thrown) {
    return { message: { kind: 'failed', error: sendError(thrown) }, moved: [] };
  }
}

const runDecode = (parts: SentParts): Posted<CodecResult> => sendRequest(decodeInferRequest(receiveParts(parts)));

/** The same by a module that is one of the server's own: nothing of its name comes from a caller. Never rejects. */
export async function runModuleJob(job: ModuleJob): Promise<Posted<CodecResult>> {
  try {
    if (job.kind === 'write') {
      const { writeReply } = (await import(job.module)) as WriterModule;
      return sendReply({ headers: {}, body: writeReply(receiveResponse(job.response), job.nonFinite) });
    }
    const { readBody } = (await import(job.module)) as ReaderModule;
    const { request, ...more } = readBody(receiveParts(job.parts), job.target);
    return sendRequest(request, more);
  } catch (thrown) {
    return { message: { kind: 'failed', error: sendError(thrown) }, moved: [] };
  }
}

function receiveParts({ body, ...parts }: SentParts): InferRequestParts {
  return { ...parts, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) };
}

function sendRequest(request: EncodedRequest, more: object = {}): Posted<CodecResult> {
  const inputs = request.inputs.map((input) => ({ ...input, contents: settle(request.model, input) }));
  const views = inputs.flatMap(({ contents }) => (contents.kind === 'raw' ? [contents.bytes] : []));
  // Those of binary data are views on the body, which then moves once for all of them.
  const moved = new Set(views.map(({ buffer }) => buffer as ArrayBuffer));
  return { message: { kind: 'decoded', request: { ...request, inputs }, more }, moved: [...moved] };
}

/** Turns parsed JSON into raw bytes: a million numbers travel as one buffer. */
function settle(model: string, { name, datatype, shape, contents }: EncodedTensor): SentContents {
  switch (contents.kind) {
    case 'raw':
    case 'none':
    case 'shared':
      return contents;
    case 'json':
      // Refused where the datatype is held against the model.
      if (!isDatatype(datatype)) return { kind: 'json', value: null };
      try {
        const tensor = decodeJsonData(datatype, shape, contents.value, { input: name, model });
        return { kind: 'raw', bytes: ownBytes(encodeRaw(tensor)) };
      } catch (thrown) {
        return { kind: 'refused', error: sendError(thrown) };
      }
    case 'refused':
    case 'typed':
      throw new TypeError(`a JSON body has no ${contents.kind} contents`);
  }
}

const runEncode = ({ request, response, nonFinite }: Extract<OwnJob, { kind: 'encode' }>): Posted<CodecResult> =>
  sendReply(encodeInferResponse(request, receiveResponse(response), nonFinite));

function receiveResponse(response: SentResponse): InferenceResponse {
  const outputs = response.outputs.map(({ name, datatype, shape, contentType, bytes }): OutputTensor => {
    // No more is told of it.
    if (bytes === undefined) return new PlacedOutput(name, { datatype, shape } as Tensor);
    return { name, contentType, tensor: decodeRaw(datatype, shape, bytes, { input: name, model: response.model }) };
  });
  return { ...response, outputs };
}

function sendReply({ headers, body }: EncodedReply): Posted<CodecResult> {
  const bytes = ownBytes(typeof body === 'string' ? Buffer.from(body, 'utf8') : body);
  return { message: { kind: 'encoded', headers, body: bytes }, moved: [bytes.buffer] };
}

const sendError = (thrown: unknown): PackedError => packError(toServingError(thrown));
