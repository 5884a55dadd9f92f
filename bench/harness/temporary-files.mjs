import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let folder;
let count = 0;

/** A path in a folder that goes with this process. */
export function temporaryFile(name) {
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), 'bench-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  }
  return join(folder, `${count++}-${name}`);
}

/** The body as a file, which is how the load tools take it. */
export function bodyFile(bytes) {
  const path = temporaryFile('body');
  writeFileSync(path, bytes);
  return path;
}
