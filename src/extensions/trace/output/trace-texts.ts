import type { TensorCopy } from '../recording/tensor-copy.js';
import type { Moment, Trace, TracedRequest } from '../recording/trace.js';
import { nanoseconds } from './nanoseconds.js';

/** A trace as Triton writes it: JSON objects with commas between, part by part. */
export function* textsOf({ requests, wire }: Trace): Generator<string, void> {
  let isFirst = true;
  for (const request of requests) {
    yield `${isFirst ? '' : ',\n'}${headOf(request)}`;
    const ofWire = isFirst ? wire : [];
    isFirst = false;
    if (request.trace.setting.has('TIMESTAMPS')) {
      for (const moment of inOrder(request, ofWire)) yield `,\n${timestampOf(request.id, moment)}`;
    }
    for (const tensor of request.tensors) yield* tensorTexts(request.id, tensor);
  }
}

/** The first request of a trace is the one that came over the wire. */
const inOrder = (request: TracedRequest, wire: readonly Moment[]): readonly Moment[] => [
  ...wire.slice(0, 2),
  ...request.moments,
  ...wire.slice(2),
];

function headOf({ id, parentId, model, version, requestId }: TracedRequest): string {
  return JSON.stringify({
    id,
    model_name: model,
    // Versions of MLServer's layout are free text.
    model_version: /^\d{1,15}$/.test(version) ? Number(version) : version,
    ...(requestId !== '' && { request_id: requestId }),
    ...(parentId !== 0 && { parent_id: parentId }),
  });
}

const timestampOf = (id: number, { name, at }: Moment): string =>
  `{"id":${id},"timestamps":[{"name":"${name}","ns":${nanoseconds(at)}}]}`;

function* tensorTexts(id: number, tensor: TensorCopy): Generator<string, void> {
  yield `,\n{"id":${id},"activity":"${tensor.activity}","tensor":{"name":${JSON.stringify(tensor.name)},"data":"`;
  for (const text of tensor.texts()) yield JSON.stringify(text).slice(1, -1);
  yield `","shape":"${tensor.shape}","dtype":"${tensor.datatype}"}}`;
}
