import { DATATYPES } from '../../../core/tensor/datatype.js';
import type { Body } from './describe.decorator.js';
import { listOf, mapOf, NamedSchema, objectOf, TEXT } from './schema.js';

/** The bodies of inferences: the protocol's own objects, as section "Inference" of the specification has them. */

export const PARAMETERS = new NamedSchema('Parameters', mapOf({ type: ['string', 'number', 'boolean'] }));

export const DATATYPE = new NamedSchema('Datatype', { type: 'string', enum: Object.keys(DATATYPES) });

const SHAPE = listOf({ type: 'integer', minimum: 0 });

const INPUT = new NamedSchema(
  'RequestInput',
  objectOf(
    {
      name: TEXT,
      shape: SHAPE,
      datatype: DATATYPE,
      parameters: PARAMETERS,
      data: { description: 'Row-major, flat or nested; absent where the data is binary or in shared memory.' },
    },
    'parameters',
    'data',
  ),
);

const REQUESTED_OUTPUT = new NamedSchema(
  'RequestOutput',
  objectOf({ name: TEXT, parameters: PARAMETERS }, 'parameters'),
);

const OUTPUT = new NamedSchema(
  'ResponseOutput',
  objectOf(
    { name: TEXT, shape: SHAPE, datatype: DATATYPE, parameters: PARAMETERS, data: { type: 'array' } },
    'parameters',
    'data',
  ),
);

const INFER_REQUEST = new NamedSchema(
  'InferenceRequest',
  objectOf(
    { id: TEXT, parameters: PARAMETERS, inputs: listOf(INPUT), outputs: listOf(REQUESTED_OUTPUT) },
    'id',
    'parameters',
    'outputs',
  ),
);

export const INFER_RESPONSE = new NamedSchema(
  'InferenceResponse',
  objectOf(
    { model_name: TEXT, model_version: TEXT, id: TEXT, parameters: PARAMETERS, outputs: listOf(OUTPUT) },
    'model_version',
    'id',
    'parameters',
  ),
);

/** JSON with raw tensors behind it: the header `Inference-Header-Content-Length` says where they begin. */
const BINARY = { 'application/octet-stream': { type: 'string', contentMediaType: 'application/octet-stream' } };

export const INFER_REQUEST_BODY: Body = { 'application/json': INFER_REQUEST, ...BINARY };
export const INFER_RESPONSE_BODY: Body = { 'application/json': INFER_RESPONSE, ...BINARY };
