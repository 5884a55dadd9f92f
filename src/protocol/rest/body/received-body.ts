/** The largest element of a tensor, in bytes. */
const ALIGNMENT = 8;

/** A declared length is believed once this share of it has come: until then it costs its sender nothing. */
const BELIEVED_SHARE = 1 / 8;

/**
 * The parts of a body, joined as they arrive: to copy a large one at its end would hold the event loop up, as much
 * for the fresh memory as for the copying. A part that is the whole body is not copied.
 *
 * `jsonLength` says where the JSON ends and binary data begins, which comes to stand at a multiple of eight bytes, so
 * that the tensors from there on can be viewed.
 */
export class ReceivedBody {
  private readonly waiting: Buffer[] = [];
  private joined: Buffer | undefined;
  private taken = 0;
  length = 0;
  parts = 0;

  /** `declared` is the length that the headers tell, 0 where they tell none. */
  constructor(
    private readonly declared: number,
    private readonly jsonLength: number,
  ) {}

  add(part: Buffer): void {
    this.length += part.length;
    this.parts++;
    this.waiting.push(part);
    if (part.length < this.declared && this.length >= this.declared * BELIEVED_SHARE) this.join(this.declared);
  }

  /** What has come so far is given up. */
  drop(): void {
    this.waiting.length = 0;
    this.joined = undefined;
  }

  end(): Buffer {
    const [only] = this.waiting;
    if (this.parts === 1 && only !== undefined) return only;
    return this.join(this.length).subarray(0, this.length);
  }

  private join(length: number): Buffer {
    this.joined ??= allocate(length, this.jsonLength);
    for (const part of this.waiting) {
      this.joined.set(part, this.taken);
      this.taken += part.length;
    }
    this.waiting.length = 0;
    return this.joined;
  }
}

function allocate(length: number, jsonLength: number): Buffer {
  const padding = Number.isSafeInteger(jsonLength) ? (ALIGNMENT - (jsonLength % ALIGNMENT)) % ALIGNMENT : 0;
  return Buffer.allocUnsafeSlow(padding + length).subarray(padding);
}
