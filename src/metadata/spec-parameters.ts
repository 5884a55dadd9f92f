import type { ParameterValue } from '../core/inference/parameters.js';
import type { NamedSpec } from '../core/model/signature.js';

/** What a tensor's declaration says beyond name, datatype and shape: its class labels, one a line. */
export const specParameters = ({ labels }: NamedSpec): Map<string, ParameterValue> =>
  new Map(labels === undefined ? [] : [['labels', labels.join('\n')]]);
