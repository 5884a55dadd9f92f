import type { NumericData } from '../../core/tensor/datatype.js';

export type Values = NumericData;

/**
 * The indices of the largest values, the largest first; of equal ones the first first, NaN last. A heap: nothing is
 * sorted that nobody takes.
 */
export function* descending(values: Values, count: number): Generator<number, void> {
  const heap = new Uint32Array(values.length);
  for (let index = 0; index < heap.length; index++) heap[index] = index;
  for (let place = (heap.length >> 1) - 1; place >= 0; place--) sink(heap, heap.length, place, values);
  let size = heap.length;
  for (let taken = 0; taken < count && size > 0; taken++) {
    const first = heap[0] ?? 0;
    yield first;
    size--;
    heap[0] = heap[size] ?? 0;
    sink(heap, size, 0, values);
  }
}

function sink(heap: Uint32Array, size: number, from: number, values: Values): void {
  const index = heap[from] ?? 0;
  let place = from;
  for (;;) {
    let child = 2 * place + 1;
    if (child >= size) break;
    if (child + 1 < size && precedes(heap[child + 1] ?? 0, heap[child] ?? 0, values)) child++;
    const below = heap[child] ?? 0;
    if (!precedes(below, index, values)) break;
    heap[place] = below;
    place = child;
  }
  heap[place] = index;
}

function precedes(one: number, other: number, values: Values): boolean {
  const a = values[one] ?? 0;
  const b = values[other] ?? 0;
  if (a > b) return true;
  if (a < b) return false;
  const isNumber = !Number.isNaN(a);
  return isNumber === !Number.isNaN(b) ? one < other : isNumber;
}
