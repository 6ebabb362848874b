// Figures of functions, and of pairs of caller and callee, in what is selected. A call within
// another call of the same function adds no total time: nodes are in depth-first order, so that
// such a call lies before the end of the outer one.

import { Role, type Profile } from '../data/profile';
import { inParts, OBJECTS, type Steps } from '../work';
import { findingOccurrences, nodesOf } from './occurrences';
import { sorted } from './order';
import { eachCallee, isWhole, Shown, type Selection } from './selection';

export interface Figures {
  fn: number;
  calls: number;
  self: number;
  total: number;
  waiting: number;
  isEstimated: boolean;
}

const known = new WeakMap<Selection, readonly Figures[]>();

/** Returns the figures of each function that occurs, in order of the functions. */
export function* functionFigures(selection: Selection): Steps<readonly Figures[]> {
  const figures = known.get(selection) ?? (yield* added(selection));
  known.set(selection, figures);
  return figures;
}

/** Returns the figures of `fn` among those of all functions. */
export function figuresOf(figures: readonly Figures[], fn: number): Figures | undefined {
  let low = 0;
  let high = figures.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (figures[middle]!.fn < fn) low = middle + 1;
    else high = middle;
  }
  return figures[low]?.fn === fn ? figures[low] : undefined;
}

/** Returns the function with the most self time, or -1 if none has any. */
export function heaviest({ functions }: Profile, figures: readonly Figures[]): number {
  let fn = -1;
  let most = 0;
  for (const row of figures) {
    if (row.self <= most || functions.role[row.fn]! >= Role.Process) continue;
    most = row.self;
    fn = row.fn;
  }
  return fn;
}

/** Adds up the figures of all shown nodes, by function. */
function* added(selection: Selection): Steps<Figures[]> {
  const { profile, shown, ...of } = selection;
  const { nodes, function: column, end, estimated } = profile;
  const { length } = profile.functions.name;
  const calls = new Float64Array(length);
  const self = new Float64Array(length);
  const total = new Float64Array(length);
  const waiting = new Float64Array(length);
  const isEstimated = new Uint8Array(length);
  yield;
  // End of the latest outermost node of each function.
  const ends = new Uint32Array(length);
  const add = (first: number, last: number) => {
    for (let node = first; node < last; node++) {
      if (shown[node] !== Shown.Yes) continue;
      const fn = column[node]!;
      calls[fn] = calls[fn]! + of.calls[node]!;
      self[fn] = self[fn]! + of.self[node]!;
      if (of.waiting[node]! > 0) waiting[fn] = waiting[fn]! + of.waiting[node]!;
      if (node >= estimated) isEstimated[fn] = 1;
      if (node < ends[fn]!) continue;
      total[fn] = total[fn]! + of.total[node]!;
      ends[fn] = end[node]!;
    }
  };
  yield* inParts(nodes, add);
  if (isWhole(selection.choice)) {
    const correct = (first: number, last: number) => {
      for (const row of profile.exact.slice(first, last)) {
        calls[row.function] = row.calls;
        self[row.function] = row.self;
        total[row.function] = row.total;
      }
    };
    yield* inParts(profile.exact.length, correct, OBJECTS);
    // What the tree estimates is either right or among the exact rows.
    isEstimated.fill(0);
  }
  const rows: Figures[] = [];
  const collect = (first: number, last: number) => {
    for (let fn = first; fn < last; fn++) {
      // A part of the time, or one side of two, lacks some functions.
      if (calls[fn]! <= 0 && total[fn]! <= 0) continue;
      rows.push({
        fn,
        calls: calls[fn]!,
        self: self[fn]!,
        total: total[fn]!,
        waiting: waiting[fn]!,
        isEstimated: isEstimated[fn] === 1,
      });
    }
  };
  yield* inParts(length, collect, OBJECTS);
  return rows;
}

/** Returns the figures of `fn` for each of its callers. */
export function* callersOf(selection: Selection, fn: number): Steps<Figures[]> {
  const { profile, up } = selection;
  const adder = new Adder(selection);
  yield* eachNodeOf(selection, fn, node => {
    const caller = up[node]!;
    if (caller >= 0) adder.add(profile.function[caller]!, node);
  });
  return adder.figures();
}

/** Returns the figures of each callee of `fn`, for its calls by `fn`. */
export function* calleesOf(selection: Selection, fn: number): Steps<Figures[]> {
  const { profile } = selection;
  const callers: number[] = [];
  yield* eachNodeOf(selection, fn, node => callers.push(node));
  const pairs: number[] = [];
  yield* eachCallee(selection, callers, callee => pairs.push(callee));
  // Callees of nested calls of `fn` come out of order.
  const ordered = yield* sorted(pairs, (a, b) => a - b);
  const adder = new Adder(selection);
  const add = (first: number, last: number) => {
    for (let i = first; i < last; i++) adder.add(profile.function[ordered[i]!]!, ordered[i]!);
  };
  yield* inParts(ordered.length, add, OBJECTS);
  return adder.figures();
}

/** Returns the nodes of `fn` that are within no other one. */
export function* outermost(selection: Selection, fn: number): Steps<number[]> {
  const nodes: number[] = [];
  let end = 0;
  yield* eachNodeOf(selection, fn, node => {
    if (node < end) return;
    nodes.push(node);
    end = selection.profile.end[node]!;
  });
  return nodes;
}

function* eachNodeOf(
  { profile, shown }: Selection,
  fn: number,
  visit: (node: number) => void,
): Steps<void> {
  const nodes = nodesOf(yield* findingOccurrences(profile), fn);
  const look = (first: number, last: number) => {
    for (let i = first; i < last; i++) if (shown[nodes[i]!] === Shown.Yes) visit(nodes[i]!);
  };
  yield* inParts(nodes.length, look);
}

/** Adds up the figures of nodes that come in their order, by function: a few functions of many. */
class Adder {
  private readonly rows = new Map<number, Figures & { end: number }>();

  constructor(private readonly selection: Selection) {}

  add(fn: number, node: number): void {
    const { calls, self, total, waiting, profile } = this.selection;
    let row = this.rows.get(fn);
    if (!row) {
      row = { fn, calls: 0, self: 0, total: 0, waiting: 0, isEstimated: false, end: 0 };
      this.rows.set(fn, row);
    }
    row.calls += calls[node]!;
    row.self += self[node]!;
    row.waiting += waiting[node]!;
    if (node >= profile.estimated) row.isEstimated = true;
    if (node >= row.end) {
      row.total += total[node]!;
      row.end = profile.end[node]!;
    }
  }

  /** Returns the figures in order of the functions. */
  figures(): Figures[] {
    const rows = [...this.rows.values()].filter(row => row.calls > 0 || row.total > 0);
    return rows.sort((a, b) => a.fn - b.fn);
  }
}
