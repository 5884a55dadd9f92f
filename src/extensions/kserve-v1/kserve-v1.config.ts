import { Bool } from '../../config/keys.js';

/** The first version of KServe's protocol. */
export class KserveV1Config {
  @Bool("Whether KServe's V1 routes answer: /v1/models, /v1/models/{model} and /v1/models/{model}:predict.")
  readonly KSERVE_V1: boolean = true;
}
