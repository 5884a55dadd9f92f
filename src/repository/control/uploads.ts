import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { invalidArgument } from '../../core/errors/catalogue.js';
import { ServingError } from '../../core/errors/serving-error.js';

const MAX_PATH = 1_024;
const MAX_COMPONENT = 255;

/** The repositories that models brought along with their load: each in a private folder of its own, of one model. */
@Injectable()
export class Uploads implements OnApplicationShutdown {
  private readonly roots = new Map<string, Set<string>>();

  /** The repositories that hold the model now. */
  of(model: string): readonly string[] {
    return [...(this.roots.get(model) ?? [])];
  }

  /** Writes a model's folder, and gives the path of its repository. Throws, leaving nothing, for paths that are none. */
  async write(model: string, files: ReadonlyMap<string, Uint8Array>): Promise<string> {
    for (const path of files.keys()) checkPath(model, path);
    const root = await mkdtemp(join(tmpdir(), 'uploaded-model-'));
    try {
      for (const [path, bytes] of files) {
        const target = join(root, model, path);
        await mkdir(dirname(target), { recursive: true });
        await writeFile(target, bytes, { flag: 'wx', mode: 0o600 });
      }
    } catch (cause) {
      await rm(root, { recursive: true, force: true });
      throw notPolled(model, cause);
    }
    this.roots.set(model, (this.roots.get(model) ?? new Set()).add(root));
    return root;
  }

  async remove(model: string, roots: readonly string[]): Promise<void> {
    const held = this.roots.get(model);
    for (const root of roots) {
      held?.delete(root);
      await rm(root, { recursive: true, force: true });
    }
    if (held?.size === 0) this.roots.delete(model);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.roots.keys()].map((model) => this.remove(model, this.of(model))));
  }
}

function checkPath(model: string, path: string): void {
  const components = path.split('/');
  if (path.length > MAX_PATH || components.some((each) => Buffer.byteLength(each) > MAX_COMPONENT)) {
    throw notPolled(model);
  }
  // oxlint-disable-next-line no-control-regex
  if (/[\\\u0000-\u001f\u007f]/.test(path) || components.some((each) => ['', '.', '..'].includes(each.trim()))) {
    throw invalidArgument(
      `failed to load '${model}': load parameter 'file:${printable(path)}' names no file in the model's folder: write file:<version>/<name>`,
    );
  }
}

// oxlint-disable-next-line no-control-regex
const printable = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f]/g, '\uFFFD');

const notPolled = (model: string, cause?: unknown): ServingError =>
  new ServingError('internal', `failed to load '${model}', failed to poll from model repository`, { cause });
