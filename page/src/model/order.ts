// Orders of many rows, without comparing objects.

import { pause } from '../pause';

const DIGIT = 16;
const BUCKETS = 1 << DIGIT;

/**
 * Returns the indices of `keys`, which are 0 or more, by their values. Equal ones stay in their
 * order. The bits of such numbers are in the order of the numbers, so that four passes over digits
 * of 16 bits sort them.
 */
export function ascending(keys: Float64Array): Uint32Array {
  const { length } = keys;
  const digits = new Uint16Array(keys.buffer, keys.byteOffset, 4 * length);
  let order = Uint32Array.from({ length }, (_, i) => i);
  let next = new Uint32Array(length);
  const starts = new Uint32Array(BUCKETS);
  for (let digit = 0; digit < 4; digit++) {
    starts.fill(0);
    for (let i = 0; i < length; i++) starts[digits[4 * i + digit]!]!++;
    let sum = 0;
    for (let bucket = 0; bucket < BUCKETS && sum < length; bucket++) {
      const number = starts[bucket]!;
      starts[bucket] = sum;
      sum += number;
    }
    for (let i = 0; i < length; i++) {
      const at = order[i]!;
      next[starts[digits[4 * at + digit]!]!++] = at;
    }
    [order, next] = [next, order];
  }
  return order;
}

/** Rows that are compared without a pause. */
const PART = 10_000;

/** Returns for each text its place in the alphabet, without blocking anything for long. */
export async function ranks(texts: readonly string[]): Promise<Uint32Array> {
  const compare = (a: number, b: number) =>
    texts[a]! < texts[b]! ? -1 : texts[a]! > texts[b]! ? 1 : a - b;
  let sorted: Uint32Array[] = [];
  for (let first = 0; first < texts.length; first += PART) {
    const length = Math.min(PART, texts.length - first);
    sorted.push(Uint32Array.from({ length }, (_, i) => first + i).sort(compare));
    await pause();
  }
  while (sorted.length > 1) {
    const merged: Uint32Array[] = [];
    for (let i = 0; i < sorted.length; i += 2) {
      const other = sorted[i + 1];
      merged.push(other ? await merge(sorted[i]!, other, compare) : sorted[i]!);
    }
    sorted = merged;
  }
  const rank = new Uint32Array(texts.length);
  sorted[0]?.forEach((text, at) => (rank[text] = at));
  return rank;
}

async function merge(
  one: Uint32Array,
  other: Uint32Array,
  compare: (a: number, b: number) => number,
): Promise<Uint32Array> {
  const whole = new Uint32Array(one.length + other.length);
  let [i, j] = [0, 0];
  for (let at = 0; at < whole.length; at++) {
    if (at % (8 * PART) === 8 * PART - 1) await pause();
    const isOne = j >= other.length || (i < one.length && compare(one[i]!, other[j]!) <= 0);
    whole[at] = isOne ? one[i++]! : other[j++]!;
  }
  return whole;
}
