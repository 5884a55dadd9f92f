import type { Coding } from '../body/inflate-body.js';

/**
 * The coding that a caller likes best, by the header `Accept-Encoding`: of those with the highest quality the one that
 * is listed first. Codings that the server has not, and the wildcard, do not count.
 */
export function chooseCoding(header: string | undefined): Coding | 'identity' {
  let best: Coding | 'identity' = 'identity';
  let highest = 0;
  for (const entry of header?.toLowerCase().split(',') ?? []) {
    const [name = '', ...parameters] = entry.split(';').map((part) => part.trim());
    if (name !== 'gzip' && name !== 'deflate' && name !== 'identity') continue;
    const quality = qualityOf(parameters);
    if (quality <= highest) continue;
    best = name;
    highest = quality;
  }
  return best;
}

/** From 0 to 1; what is no number counts as 0. */
function qualityOf(parameters: readonly string[]): number {
  const given = parameters.find((parameter) => parameter.startsWith('q='));
  if (given === undefined) return 1;
  return /^q=[01](?:\.\d{0,3})?$/.test(given) ? Math.min(1, Number(given.slice(2))) : 0;
}
