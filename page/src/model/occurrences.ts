// The nodes of each function, so that nobody looks through all nodes for those of one.

import { finish, inParts } from './selection';
import type { Profile } from '../data/profile';

interface Occurrences {
  /** Nodes by their functions, those of a function in their order. */
  nodes: Uint32Array;
  /** First element of each function in `nodes`, and the end. */
  starts: Uint32Array;
}

const known = new WeakMap<Uint32Array, Occurrences>();

/** Finds the nodes of all functions, in steps that each take a few milliseconds. */
export function* findingOccurrences(profile: Profile): Generator<void, Occurrences> {
  const { function: column } = profile;
  const { length } = profile.functions.name;
  const starts = new Uint32Array(length + 1);
  const count = (first: number, last: number) => {
    for (let node = first; node < last; node++) starts[column[node]! + 1]!++;
  };
  yield* inParts(column.length, count);
  for (let fn = 0; fn < length; fn++) starts[fn + 1] = starts[fn + 1]! + starts[fn]!;
  const nodes = new Uint32Array(column.length);
  const next = starts.slice();
  const place = (first: number, last: number) => {
    for (let node = first; node < last; node++) nodes[next[column[node]!]!++] = node;
  };
  yield* inParts(column.length, place);
  const found = { nodes, starts };
  known.set(column, found);
  return found;
}

/** Returns the nodes of a function in their order. */
export function nodesOf(profile: Profile, fn: number): Uint32Array {
  const { nodes, starts } = known.get(profile.function) ?? finish(findingOccurrences(profile));
  return nodes.subarray(starts[fn], starts[fn + 1]);
}
