/**
 * Whether a name fits a pattern, in which `*` stands for any text and every other character for itself. Linear in both
 * lengths: each part between stars is found at its first place, and never looked for again.
 */
export function fits(pattern: string, name: string): boolean {
  const [head = '', ...middle] = pattern.split('*');
  const tail = middle.pop();
  if (tail === undefined) return name === pattern;
  if (name.length < head.length + tail.length || !name.startsWith(head) || !name.endsWith(tail)) return false;
  const end = name.length - tail.length;
  let position = head.length;
  for (const part of middle) {
    const found = name.indexOf(part, position);
    if (found < 0 || found + part.length > end) return false;
    position = found + part.length;
  }
  return true;
}
