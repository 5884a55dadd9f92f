import textformat from 'protobufjs/ext/textformat.js';
import type { ModelConfig } from '../../../core/model/model-config.js';
import { explain, modelConfigType, toModelConfig } from './model-config-schema.js';

/**
 * Reads a `config.pbtxt`. `path` stands in the errors as it is given, and these reach callers: pass it relative to the
 * repository. Throws an `Error` of path, line, problem and the text of the line.
 */
export function readModelConfig(text: string, path: string): ModelConfig {
  const source = text.replace(/^\uFEFF/, '');
  const type = modelConfigType();
  try {
    return toModelConfig(textformat.fromText(type, source));
  } catch (failure) {
    throw new Error(`${path}${locate(source, (failure as Error).message)}`, { cause: failure });
  }
}

const WITH_LINE = / \(line (\d+)\)$/;

/** `:line: problem, at "text of the line"`, or the problem alone where it is not one of the syntax. */
function locate(source: string, message: string): string {
  const lines = source.split('\n');
  const line = Number(WITH_LINE.exec(message)?.[1] ?? findLine(lines, message));
  const problem = explain(message.replace(WITH_LINE, ''));
  if (line === 0) return `: ${problem}`;
  const text = (lines[line - 1] ?? '').trim();
  return `:${line}: ${problem}, at "${text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text}"`;
}

const MAX_SHOWN = 100;

/**
 * The line of an error that does not tell it; 0 where the parser does not raise it. The parser reads from the start and
 * stops at the first error, so this is the fewest lines that raise the same one.
 */
function findLine(lines: readonly string[], message: string): number {
  const raises = (count: number): boolean => problemOf(lines.slice(0, count).join('\n')) === message;
  if (!raises(lines.length)) return 0;
  let [without, withIt] = [0, lines.length];
  while (withIt - without > 1) {
    const middle = (without + withIt) >> 1;
    if (raises(middle)) withIt = middle;
    else without = middle;
  }
  return withIt;
}

function problemOf(source: string): string | undefined {
  try {
    textformat.fromText(modelConfigType(), source);
    return undefined;
  } catch (failure) {
    return (failure as Error).message;
  }
}
