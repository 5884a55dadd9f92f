import { DATATYPE, PARAMETERS } from '../protocol/rest/api/inference-schemas.js';
import { listOf, mapOf, NamedSchema, objectOf, TEXT } from '../protocol/rest/api/schema.js';

/** What the routes of the metadata answer. */

export const SERVER_METADATA = new NamedSchema(
  'ServerMetadata',
  objectOf({ name: TEXT, version: TEXT, extensions: listOf(TEXT) }),
);

const TENSOR_METADATA = new NamedSchema(
  'TensorMetadata',
  objectOf(
    {
      name: TEXT,
      datatype: DATATYPE,
      shape: { type: 'array', items: { type: 'integer', minimum: -1 }, description: '-1 stands for any size.' },
      parameters: PARAMETERS,
    },
    'parameters',
  ),
);

export const MODEL_METADATA = new NamedSchema(
  'ModelMetadata',
  objectOf({
    name: TEXT,
    versions: listOf(TEXT),
    platform: TEXT,
    inputs: listOf(TENSOR_METADATA),
    outputs: listOf(TENSOR_METADATA),
  }),
);

/** Its fields are those of `proto/model_config.proto`. */
export const MODEL_CONFIG = new NamedSchema('ModelConfig', mapOf({}));
