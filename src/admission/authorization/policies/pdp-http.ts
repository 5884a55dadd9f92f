import { Logger } from '@nestjs/common';
import { ConfigurationError } from '../../../config/configuration-error.js';
import { denied, noDecision } from '../enforce.js';

/** The most bytes of a question and of an answer: both name a caller, a model and a decision. */
const MAX_BYTES = 64 * 1024;

/** Beyond this many questions at a time more would only pile up. */
const MAX_IN_FLIGHT = 256;

export interface PdpHttpOptions {
  /** The key of the configuration that holds the URL. */
  readonly key: string;
  readonly url: string | undefined;
  readonly timeoutMs: number;
  readonly contentType: string;
}

/**
 * Asks a policy decision point over HTTP. Whatever is no JSON object, in time, of a sane size and from the address
 * itself is no answer: the question fails with `unavailable`. The reason is logged once until answers come again, and
 * never told to callers.
 */
export class PdpHttp {
  private readonly logger = new Logger('Authorization');
  private readonly url: URL;
  private failing = false;
  private inFlight = 0;

  constructor(private readonly options: PdpHttpOptions) {
    this.url = checkUrl(options);
  }

  async ask(question: object): Promise<Readonly<Record<string, unknown>>> {
    const body = JSON.stringify(question);
    if (body.length > MAX_BYTES) throw denied('the call names more than a policy is asked about');
    if (this.inFlight >= MAX_IN_FLIGHT) throw noDecision();
    this.inFlight += 1;
    try {
      const answer = await this.exchange(body);
      if (this.failing) this.logger.log({ message: 'the policy decision point answers again', key: this.options.key });
      this.failing = false;
      return answer;
    } catch (cause) {
      this.report(cause);
      throw noDecision();
    } finally {
      this.inFlight -= 1;
    }
  }

  private async exchange(body: string): Promise<Readonly<Record<string, unknown>>> {
    const { timeoutMs, contentType } = this.options;
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'content-type': contentType, accept: `${contentType}, application/json` },
      body,
      // Followed, it would carry callers and models wherever the answer says.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await readLimited(response);
    if (response.status !== 200) throw new Error(`it answered with status ${response.status}`);
    const answer: unknown = JSON.parse(text);
    if (typeof answer !== 'object' || answer === null) throw new Error('it answered with no JSON object');
    return answer as Readonly<Record<string, unknown>>;
  }

  private report(cause: unknown): void {
    if (this.failing) return;
    this.failing = true;
    const reason = cause instanceof Error ? [cause.message, causeOf(cause)].filter(Boolean).join(': ') : String(cause);
    this.logger.error({ message: 'the policy decision point gives no answer', key: this.options.key, reason });
  }
}

/** What `fetch` hides behind "fetch failed". */
const causeOf = ({ cause }: Error): string => (cause instanceof Error ? cause.message : '');

async function readLimited(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) throw new Error(`its answer is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The text is not repeated in what is wrong with it: it may hold a password. */
function checkUrl({ key, url }: PdpHttpOptions): URL {
  if (url === undefined) throw new ConfigurationError([`${key} is unset: set it to the URL of the decision point`]);
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.password !== '') {
    throw new ConfigurationError([`${key} is no URL of a decision point: use http:// or https://, without a password`]);
  }
  return parsed;
}
