import { ArrayUnique, Matches } from '../../config/class-validator.js';
import { Bool, Int, List, Text } from '../../config/keys.js';

const MAX_INT = 2_147_483_647;

/** `name=target`: a host with a port, or one of the schemes that look a host up. */
const UPSTREAM =
  /^[a-z\d](?:[a-z\d._-]*[a-z\d])?=(?:dns:(?:\/\/[^/,=\s]*\/)?)?(?:[a-z\d](?:[a-z\d._-]*[a-z\d])?|\[[\da-f:.]+\]):\d{1,5}$/i;

/** The servers that models with the backend `remote` run on, and how calls to them fail. */
export class RemoteConfig {
  @Matches(UPSTREAM, { each: true, message: 'name=host:port or name=dns:///host:port for each upstream' })
  @ArrayUnique(nameOf, { message: 'each name once' })
  @List('The servers that remote models run on, such as triton=10.0.0.5:8001,other=dns:///models:8001.')
  readonly REMOTE_UPSTREAMS: readonly string[] = [];

  @Bool('Whether upstreams are called over TLS, checked against the authorities of the system.')
  readonly REMOTE_TLS: boolean = false;

  @Text('The file of the authorities that upstreams are checked against, PEM; it turns TLS on.')
  readonly REMOTE_TLS_CA?: string;

  @Int('How many connections each upstream has; calls take turns on them.', { min: 1, max: 64 })
  readonly REMOTE_CHANNELS: number = 1;

  @Int('The most bytes that an answer of an upstream may have.', { min: 1, max: MAX_INT })
  readonly REMOTE_MAX_MESSAGE_BYTES: number = 67_108_864;

  @Int('How many calls in a hundred may be repeated because an upstream was unavailable; 0 for none.', {
    min: 0,
    max: 100,
  })
  readonly REMOTE_RETRY_BUDGET: number = 20;

  @Int('After how many failed calls in a row a remote model is not ready.', { min: 1, max: 1_000_000 })
  readonly REMOTE_BREAKER_FAILURES: number = 5;

  @Int('How long a remote model that is not ready waits until its upstream is asked again, in milliseconds.', {
    min: 1,
    max: MAX_INT,
  })
  readonly REMOTE_BREAKER_OPEN_MS: number = 5_000;

  @Int('How long an upstream may take to describe a model, or to say that it is ready, in milliseconds.', {
    min: 1,
    max: MAX_INT,
  })
  readonly REMOTE_METADATA_TIMEOUT_MS: number = 5_000;
}

function nameOf(upstream: unknown): unknown {
  return typeof upstream === 'string' ? upstream.slice(0, upstream.indexOf('=')) : upstream;
}
