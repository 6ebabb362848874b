// The nodes of each function, so that nobody looks through all nodes for those of one.

import type { Profile } from '../data/profile';
import { inParts, type Steps } from '../work';

export interface Occurrences {
  /** Nodes by their functions, those of a function in their order. */
  nodes: Uint32Array;
  /** First element of each function in `nodes`, and the end. */
  starts: Uint32Array;
}

const known = new WeakMap<Uint32Array, Occurrences>();

/** Finds the nodes of all functions. */
export function* findingOccurrences(profile: Profile): Steps<Occurrences> {
  const { function: column } = profile;
  const found = known.get(column) ?? (yield* find(column, profile.functions.name.length));
  known.set(column, found);
  return found;
}

function* find(column: Uint32Array, functions: number): Steps<Occurrences> {
  const starts = new Uint32Array(functions + 1);
  const count = (first: number, last: number) => {
    for (let node = first; node < last; node++) starts[column[node]! + 1]!++;
  };
  yield* inParts(column.length, count);
  for (let fn = 0; fn < functions; fn++) starts[fn + 1] = starts[fn + 1]! + starts[fn]!;
  const nodes = new Uint32Array(column.length);
  const next = starts.slice();
  const place = (first: number, last: number) => {
    for (let node = first; node < last; node++) nodes[next[column[node]!]!++] = node;
  };
  yield* inParts(column.length, place);
  return { nodes, starts };
}

/** Returns the nodes of a function in their order. */
export function nodesOf({ nodes, starts }: Occurrences, fn: number): Uint32Array {
  return nodes.subarray(starts[fn], starts[fn + 1]);
}
