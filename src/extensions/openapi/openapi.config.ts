import { Bool } from '../../config/keys.js';

/** The document of the REST routes. */
export class OpenapiConfig {
  @Bool('Whether the OpenAPI document of the REST routes is served: GET /v2/openapi.json and /v2/docs/dataplane.json.')
  readonly OPENAPI: boolean = false;
}
