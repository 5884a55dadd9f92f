import { Bool, Host, Int, OneOf, Port, Text } from '../../config/keys.js';

/** The REST server. */
export class RestConfig {
  @Host('The address that the REST server listens on.')
  readonly HTTP_HOST: string = '127.0.0.1';

  @Port('The port of the REST server; 0 takes a free one.')
  readonly HTTP_PORT: number = 8080;

  @Text('A pattern of names: the headers of an inference that it matches become parameters. Empty: none.')
  readonly HTTP_HEADER_FORWARD_PATTERN: string = '';

  @OneOf('How NaN and infinities are written in JSON: as the bare words that Triton writes, or as null.', [
    'bare',
    'null',
  ])
  readonly JSON_NON_FINITE: 'bare' | 'null' = 'bare';

  @Int('The size in bytes above which JSON is read and written in another thread.', { min: 0, max: 2_147_483_647 })
  readonly JSON_OFFLOAD_BYTES: number = 1_048_576;

  @Int('How many threads read and write large JSON; 0 for none, it then stalls all other calls.', { min: 0, max: 64 })
  readonly JSON_THREADS: number = 2;

  @Bool('Whether replies to inferences are compressed for callers that accept gzip or deflate.')
  readonly RESPONSE_COMPRESSION: boolean = true;

  @Int('The size in bytes from which replies are compressed; 0 for all of them, as Triton does.', {
    min: 0,
    max: 2_147_483_647,
  })
  readonly RESPONSE_COMPRESSION_MIN_BYTES: number = 1_024;
}
