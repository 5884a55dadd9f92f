/** What is smaller is allocated each time: that takes no longer than to look for a buffer. */
const SMALLEST = 1024 * 1024;
/** As much is kept for the next replies, in bytes. */
const KEPT_BYTES = 64 * 1024 * 1024;

const free: Buffer[] = [];
let freeBytes = 0;

/**
 * A buffer of this size, whose bytes are not set. Memory for large replies is used again: the system gives it out page
 * by page, and the garbage collector counts each piece towards its next look at the whole heap.
 */
export function takeBuffer(size: number): Buffer {
  if (size < SMALLEST) return Buffer.allocUnsafe(size);
  const place = free.findIndex(({ byteLength }) => byteLength >= size && byteLength <= 2 * size);
  if (place === -1) return Buffer.allocUnsafeSlow(Math.ceil(size / SMALLEST) * SMALLEST).subarray(0, size);
  const [found] = free.splice(place, 1) as [Buffer];
  freeBytes -= found.byteLength;
  return found.subarray(0, size);
}

/** Gives back a buffer that nobody reads any more, nor the system; one that came from elsewhere must not be given. */
export function giveBuffer({ buffer }: Buffer): void {
  if (buffer.byteLength < SMALLEST || freeBytes + buffer.byteLength > KEPT_BYTES) return;
  free.push(Buffer.from(buffer as ArrayBuffer));
  freeBytes += buffer.byteLength;
}
