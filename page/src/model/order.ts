// Orders of many rows, in steps that each take a few milliseconds.

import { inParts, OBJECTS, type Steps } from '../work';

const DIGIT = 16;
const BUCKETS = 1 << DIGIT;

/**
 * Returns the indices of `keys`, which are 0 or more, by their values. Equal ones stay in their
 * order. The bits of such numbers are in the order of the numbers, so that four passes over digits
 * of 16 bits sort them.
 */
export function* ascending(keys: Float64Array): Steps<Uint32Array> {
  const { length } = keys;
  const digits = new Uint16Array(keys.buffer, keys.byteOffset, 4 * length);
  let order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  let next = new Uint32Array(length);
  const starts = new Uint32Array(BUCKETS);
  for (let digit = 0; digit < 4; digit++) {
    starts.fill(0);
    const count = (first: number, last: number) => {
      for (let i = first; i < last; i++) starts[digits[4 * i + digit]!]!++;
    };
    yield* inParts(length, count);
    let sum = 0;
    for (let bucket = 0; bucket < BUCKETS && sum < length; bucket++) {
      const number = starts[bucket]!;
      starts[bucket] = sum;
      sum += number;
    }
    const place = (first: number, last: number) => {
      for (let i = first; i < last; i++) {
        const at = order[i]!;
        next[starts[digits[4 * at + digit]!]!++] = at;
      }
    };
    yield* inParts(length, place);
    [order, next] = [next, order];
  }
  return order;
}

/** Returns `rows` sorted by `compare`. Equal ones stay in their order. */
export function* sorted<T>(rows: readonly T[], compare: (a: T, b: T) => number): Steps<T[]> {
  let parts: T[][] = [];
  for (let first = 0; first < rows.length; first += OBJECTS) {
    parts.push(rows.slice(first, first + OBJECTS).sort(compare));
    yield;
  }
  while (parts.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i < parts.length; i += 2) {
      const other = parts[i + 1];
      merged.push(other ? yield* merge(parts[i]!, other, compare) : parts[i]!);
    }
    parts = merged;
  }
  return parts[0] ?? [];
}

function* merge<T>(one: T[], other: T[], compare: (a: T, b: T) => number): Steps<T[]> {
  const whole: T[] = [];
  let [i, j] = [0, 0];
  const take = (first: number, last: number) => {
    for (let at = first; at < last; at++) {
      const isOne = j >= other.length || (i < one.length && compare(one[i]!, other[j]!) <= 0);
      whole.push(isOne ? one[i++]! : other[j++]!);
    }
  };
  yield* inParts(one.length + other.length, take, OBJECTS);
  return whole;
}

/** Returns for each text its place in the alphabet. */
export function* ranks(texts: readonly string[]): Steps<Uint32Array> {
  const order = yield* sorted(
    texts.map((_, text) => text),
    (a, b) => (texts[a]! < texts[b]! ? -1 : texts[a]! > texts[b]! ? 1 : 0),
  );
  const rank = new Uint32Array(texts.length);
  order.forEach((text, at) => (rank[text] = at));
  return rank;
}
