/**
 * Counts the bytes that are copied from one buffer to another, by the place in the code that asks for it:
 *
 *   node --import ./bench/copies.mjs SERVER
 *
 * Each message `count copies` is answered with `{ copies }`, and counting begins anew. What native code copies (the
 * kernel, TLS, HTTP/2 framing) does not show, nor what Node's own modules copy past the functions that are public.
 */

const LEAST_BYTES = 64 * 1_024;
const places = new Map();
let counting = true;

function count(by, bytes) {
  if (!counting || !(bytes > 0)) return;
  counting = false;
  const place = callerOf(new Error().stack.split('\n').slice(3));
  const key = `${by} ${place.where}`;
  const known = places.get(key) ?? { by, ...place, bytes: 0, count: 0 };
  known.bytes += bytes;
  known.count += 1;
  places.set(key, known);
  counting = true;
}

/** The first frame that is no module of Node's own. */
function callerOf(frames) {
  const frame = frames.find((line) => line.includes('file:') || line.includes(' (/') || line.includes('at /'));
  if (frame === undefined) return { whose: 'Node', where: frames[0]?.trim().replace(/^at /, '') ?? 'unknown' };
  const where = frame
    .trim()
    .replace(/^at /, '')
    .replace(/\(?(?:file:\/\/)?\/[^\s]*\/(node_modules|dist|bench)\//, '$1/')
    .replace(/\)$/, '');
  return { whose: /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(where)?.[1] ?? 'this server', where };
}

function wrap(target, name, bytesOf) {
  const original = target[name];
  target[name] = {
    [name](...words) {
      const result = original.apply(this, words);
      count(name, bytesOf(words, result, this));
      return result;
    },
  }[name];
}

const sizeOf = (value) => value?.byteLength ?? 0;
const TypedArray = Object.getPrototypeOf(Uint8Array);

wrap(Buffer, 'concat', (_words, joined) => joined.length);
wrap(Buffer.prototype, 'copy', (_words, copied) => copied);
wrap(Buffer, 'from', ([source], made) =>
  source instanceof ArrayBuffer || source?.buffer === made.buffer ? 0 : made.length,
);
wrap(TypedArray.prototype, 'set', ([source], _nothing, target) => source.length * target.BYTES_PER_ELEMENT);
wrap(Uint8Array.prototype, 'slice', (_words, part) => sizeOf(part));
wrap(TypedArray.prototype, 'slice', (_words, part) => sizeOf(part));
wrap(TypedArray.prototype, 'map', (_words, mapped) => sizeOf(mapped));
wrap(ArrayBuffer.prototype, 'slice', (_words, part) => sizeOf(part));
wrap(globalThis, 'structuredClone', ([value]) => sizeOf(value));

/** A typed array that is made of another one, or of a list, copies it; one over a buffer does not. */
for (const name of ['Uint8Array', 'Int32Array', 'Float32Array', 'Float64Array', 'BigInt64Array']) {
  globalThis[name] = new Proxy(globalThis[name], {
    construct(target, words, made) {
      const result = Reflect.construct(target, words, made);
      const [source] = words;
      if (typeof source === 'object' && sizeOf(source) !== 0 && result.buffer !== (source.buffer ?? source)) {
        count(`new ${name}`, result.byteLength);
      }
      return result;
    },
  });
}

process.on('message', (question) => {
  if (question !== 'count copies') return;
  const copies = [...places.values()].filter(({ bytes }) => bytes >= LEAST_BYTES).sort((a, b) => b.bytes - a.bytes);
  places.clear();
  process.send({ copies });
});
