const NUMBER = /^[1-9]\d*$/;

export const isNumericVersion = (version: string): boolean => NUMBER.test(version);

/** Orders versions by age, oldest first: free text before numbers, numbers by value. */
export function compareVersions(a: string, b: string): number {
  const numeric = Number(isNumericVersion(a)) - Number(isNumericVersion(b));
  if (numeric !== 0) return numeric;
  if (isNumericVersion(a)) return a.length - b.length || (a < b ? -1 : Number(a > b));
  return a < b ? -1 : Number(a > b);
}
