import { takeBuffer } from '../../large-buffers.js';

/** What gRPC puts before each message: a flag for compression, which is never set, and four bytes of length. */
const PREFIX_BYTES = 5;

const FRAME = Symbol('frame');

/** Room for a message of this size, with its prefix before it: who sends it needs no other buffer. */
export function allocateMessage(size: number): Buffer {
  const frame = takeBuffer(PREFIX_BYTES + size);
  frame[0] = 0;
  frame.writeUInt32BE(size, 1);
  return Object.assign(frame.subarray(PREFIX_BYTES), { [FRAME]: frame });
}

/** A message behind its prefix; one that was not made with room for it is copied. */
export function frameOf(message: Buffer): Buffer {
  const frame = (message as { [FRAME]?: Buffer })[FRAME];
  if (frame !== undefined) return frame;
  const copy = allocateMessage(message.byteLength);
  copy.set(message);
  return frameOf(copy);
}
