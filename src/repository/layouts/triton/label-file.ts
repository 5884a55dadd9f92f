import { readFile, realpath } from 'node:fs/promises';
import { isAbsolute, join, normalize, sep } from 'node:path';

/** The labels of a text, one to a line; the label of class n is line n, so that blank lines between others count. */
export function parseLabels(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
}

/** Whether a file's name stays in the folder that it is relative to. */
export function staysInFolder(filename: string): boolean {
  const path = normalize(filename);
  return !isAbsolute(path) && path !== '.' && path !== '..' && !path.startsWith(`..${sep}`) && !path.includes('\0');
}

/**
 * Reads a label file of a model. Throws where the name leads out of the model's folder, a link out of the repository,
 * or there is no such file.
 */
export async function readLabelFile(root: string, model: string, filename: string): Promise<string[]> {
  if (!staysInFolder(filename)) throw new Error(`label file '${filename}' is not in the folder of model '${model}'`);
  const inside = await realpath(root);
  const path = await realpath(join(root, model, filename)).catch(() => undefined);
  if (path === undefined || !path.startsWith(inside + sep)) {
    throw new Error(`label file '${filename}' is missing in the folder of model '${model}'`);
  }
  return parseLabels(await readFile(path, 'utf8'));
}
