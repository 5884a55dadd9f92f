import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { followInside, placeSeenFrom, staysInFolder } from '../layouts/containment.js';

/** A folder of a repository that describes a model, in whichever layout. */
export class ModelFolder {
  constructor(
    /** The absolute path of the repository. */
    readonly root: string,
    /** Relative to the repository. */
    readonly folder: string,
    /** The folders outside that links may lead to. */
    private readonly linkTargets: readonly string[] = [],
  ) {}

  get path(): string {
    return join(this.root, this.folder);
  }

  /**
   * The path of a file of the model, with all links followed. Throws where its name leads out of the folder, a link out
   * of the repository to where links may not lead, or there is none. What it says reaches callers, so it names no path above the repository.
   */
  async locate(filename: string): Promise<string> {
    if (!staysInFolder(filename)) throw new Error(`file '${filename}' is not in the folder '${this.folder}'`);
    const inside = await realpath(this.root);
    const path = await followInside(inside, join(this.path, filename), this.linkTargets);
    if (path === undefined) throw new Error(`file '${filename}' is missing in the folder '${this.folder}'`);
    return placeSeenFrom(this.root, inside, path);
  }

  async readIfThere(filename: string): Promise<Buffer | undefined> {
    const path = await this.locate(filename).catch(() => undefined);
    return path === undefined ? undefined : readFile(path);
  }

  async read(filename: string): Promise<Buffer> {
    return readFile(await this.locate(filename));
  }
}
