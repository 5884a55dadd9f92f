/** How a text is fetched from an address that may be slow, broken or hostile. */
export interface FetchLimits {
  readonly headers: Headers;
  /** Ends the fetch wherever it is, in the middle of the body for one. */
  readonly signal: AbortSignal;
  readonly maxBytes: number;
}

/**
 * Fetches a text. Throws for any answer but 200, for redirects too, which could lead to an address that only this
 * machine reaches, and for a body over the limit as soon as it is.
 */
export async function fetchText(url: string, { headers, signal, maxBytes }: FetchLimits): Promise<string> {
  const { status, body } = await fetch(url, { headers, signal, redirect: 'manual' });
  if (status !== 200 || body === null) {
    await body?.cancel();
    throw new Error(
      status >= 300 && status < 400
        ? `it redirects (${status}), which is not followed: configure the address itself`
        : `it answers ${status}`,
    );
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    // Leaving the loop cancels the body.
    if (length > maxBytes) throw new Error(`it answers with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length).toString('utf8');
}
