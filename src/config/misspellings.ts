/** Warns of keys that nobody reads but that look like one of ours; values are left out, for one may be a secret. */
export function misspellings(present: readonly string[], known: readonly string[]): string[] {
  return present
    .filter((key) => !known.includes(key))
    .flatMap((key) => {
      const meant = known.find((candidate) => looksLike(key, candidate));
      return meant === undefined ? [] : [`${key} is not read: did you mean ${meant}?`];
    });
}

const looksLike = (key: string, known: string): boolean =>
  key.toUpperCase() === known || (prefixOf(key) === prefixOf(known) && editDistance(key, known) <= MAX_EDITS);

const MAX_EDITS = 2;

const prefixOf = (key: string): string => key.slice(0, key.indexOf('_') + 1);

/** The number of insertions, deletions and substitutions between two texts (Levenshtein). */
function editDistance(left: string, right: string): number {
  let above = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const substitution = (above[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    above = current;
  }
  return above[right.length] ?? 0;
}
