import { constants, deflate, gzip, type ZlibOptions } from 'node:zlib';
import { promisify } from 'node:util';
import type { Coding } from '../body/inflate-body.js';

const PACKERS: Readonly<Record<Coding, (bytes: Buffer, options: ZlibOptions) => Promise<Buffer>>> = {
  gzip: promisify<Buffer, ZlibOptions, Buffer>(gzip),
  deflate: promisify<Buffer, ZlibOptions, Buffer>(deflate),
};

/** Many HTTP clients ask for compression without being told to: it must not cost more than it saves. */
const OPTIONS: ZlibOptions = { level: constants.Z_BEST_SPEED };

/** Packs a reply off this thread; `undefined` where that fails, and the reply then goes as it is. */
export async function compress(bytes: Buffer, coding: Coding): Promise<Buffer | undefined> {
  try {
    return await PACKERS[coding](bytes, OPTIONS);
  } catch {
    return undefined;
  }
}
