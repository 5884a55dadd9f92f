import { readFile, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { staysInFolder } from '../layouts/triton/label-file.js';

/** A folder of a repository that describes a model, in whichever layout. */
export class ModelFolder {
  constructor(
    /** The absolute path of the repository. */
    readonly root: string,
    /** Relative to the repository. */
    readonly folder: string,
  ) {}

  get path(): string {
    return join(this.root, this.folder);
  }

  /**
   * The path of a file of the model, with all links followed. Throws where its name leads out of the folder, a link out
   * of the repository, or there is none. What it says reaches callers, so it names no path above the repository.
   */
  async locate(filename: string): Promise<string> {
    if (!staysInFolder(filename)) throw new Error(`file '${filename}' is not in the folder '${this.folder}'`);
    const inside = await realpath(this.root);
    const path = await realpath(join(this.path, filename)).catch(() => undefined);
    if (path === undefined || !path.startsWith(inside + sep)) {
      throw new Error(`file '${filename}' is missing in the folder '${this.folder}'`);
    }
    return join(this.root, relative(inside, path));
  }

  async read(filename: string): Promise<Buffer> {
    return readFile(await this.locate(filename));
  }
}
