import type { ParameterValue } from '../core/inference/parameters.js';
import type { NamedSpec } from '../core/model/signature.js';

/** What a tensor's declaration says beyond name, datatype and shape: its class labels, one a line, and its content type. */
export const specParameters = ({ labels, contentType }: NamedSpec): Map<string, ParameterValue> =>
  new Map([
    ...(labels === undefined ? [] : [['labels', labels.join('\n')] as const]),
    ...(contentType === undefined ? [] : [['content_type', contentType] as const]),
  ]);
