/** The labels of a text, one to a line; the label of class n is line n, so that blank lines between others count. */
export function parseLabels(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
}
