import { Host, OneOf, Port } from '../../config/keys.js';

/** The REST server. */
export class RestConfig {
  @Host('The address that the REST server listens on.')
  readonly HTTP_HOST: string = '127.0.0.1';

  @Port('The port of the REST server; 0 takes a free one.')
  readonly HTTP_PORT: number = 8080;

  @OneOf('How NaN and infinities are written in JSON: as the bare words that Triton writes, or as null.', [
    'bare',
    'null',
  ])
  readonly JSON_NON_FINITE: 'bare' | 'null' = 'bare';
}
