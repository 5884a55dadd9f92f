/** Control characters (escape sequences for terminals among them), line separators, and marks that turn text around. */
const UNSAFE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Writes characters that could forge or hide a line of the log as their escapes: `\n`, `\u001b`. */
export const escapeControls = (text: string): string => text.replace(UNSAFE, escapeOf);

/** For stack traces: line ends stay, but no line except the first starts at the margin, where records start. */
export const indentLines = (text: string): string => text.split('\n').map(escapeControls).join('\n    ');

const escapeOf = (character: string): string =>
  SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
