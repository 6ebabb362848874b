// Figures of functions, and of pairs of caller and callee, in what is selected. A call within
// another call of the same function adds no total time: nodes are in depth-first order, so that
// such a call lies before the end of the outer one.

import { nodesOf } from './occurrences';
import { eachCallee, isWhole, Shown, type Selection } from './selection';

export interface Figures {
  fn: number;
  calls: number;
  self: number;
  total: number;
  waiting: number;
  isEstimated: boolean;
}

const known = new WeakMap<Selection, Figures[]>();

/** Returns the figures of each function that occurs, in order of the functions. */
export function functionFigures(selection: Selection): readonly Figures[] {
  let figures = known.get(selection);
  if (!figures) known.set(selection, (figures = computed(selection)));
  return figures;
}

function computed(selection: Selection): Figures[] {
  const { profile } = selection;
  const adder = new Adder(selection);
  adder.addAll();
  const figures = adder.figures();
  if (isWhole(selection.choice) && profile.exact.length > 0) {
    const of = new Map(figures.map(row => [row.fn, row]));
    for (const { function: fn, calls, self, total } of profile.exact) {
      const row = of.get(fn);
      if (row) Object.assign(row, { calls, self, total });
      else figures.push({ fn, calls, self, total, waiting: 0, isEstimated: false });
    }
  }
  // What the tree estimates is either right or among the exact rows.
  if (isWhole(selection.choice)) for (const row of figures) row.isEstimated = false;
  return figures;
}

/** Returns the figures of `fn` for each of its callers. */
export function callersOf(selection: Selection, fn: number): Figures[] {
  const { profile, up } = selection;
  const adder = new Adder(selection);
  eachNodeOf(selection, fn, node => {
    const caller = up[node]!;
    if (caller >= 0) adder.add(profile.function[caller]!, node);
  });
  return adder.figures();
}

/** Returns the figures of each callee of `fn`, for its calls by `fn`. */
export function calleesOf(selection: Selection, fn: number): Figures[] {
  const { profile } = selection;
  const pairs: number[] = [];
  eachNodeOf(selection, fn, node => eachCallee(selection, node, callee => pairs.push(callee)));
  // Callees of nested calls of `fn` come out of order.
  pairs.sort((a, b) => a - b);
  const adder = new Adder(selection);
  for (const callee of pairs) adder.add(profile.function[callee]!, callee);
  return adder.figures();
}

/** Returns the nodes of `fn` that are within no other one. */
export function outermost(selection: Selection, fn: number): number[] {
  const nodes: number[] = [];
  let end = 0;
  eachNodeOf(selection, fn, node => {
    if (node < end) return;
    nodes.push(node);
    end = selection.profile.end[node]!;
  });
  return nodes;
}

function eachNodeOf(selection: Selection, fn: number, visit: (node: number) => void): void {
  for (const node of nodesOf(selection.profile, fn)) {
    if (selection.shown[node] === Shown.Yes) visit(node);
  }
}

/** Adds up the figures of nodes that come in their order, by function. */
class Adder {
  private readonly calls: Float64Array;
  private readonly self: Float64Array;
  private readonly total: Float64Array;
  private readonly waiting: Float64Array;
  private readonly isEstimated: Uint8Array;
  /** End of the latest outermost node of each function. */
  private readonly ends: Uint32Array;

  constructor(private readonly selection: Selection) {
    const { length } = selection.profile.functions.name;
    this.calls = new Float64Array(length);
    this.self = new Float64Array(length);
    this.total = new Float64Array(length);
    this.waiting = new Float64Array(length);
    this.isEstimated = new Uint8Array(length);
    this.ends = new Uint32Array(length);
  }

  add(fn: number, node: number): void {
    const { selection, ends } = this;
    const { profile } = selection;
    this.calls[fn] = this.calls[fn]! + selection.calls[node]!;
    this.self[fn] = this.self[fn]! + selection.self[node]!;
    this.waiting[fn] = this.waiting[fn]! + selection.waiting[node]!;
    if (node >= profile.estimated) this.isEstimated[fn] = 1;
    if (node >= ends[fn]!) {
      this.total[fn] = this.total[fn]! + selection.total[node]!;
      ends[fn] = profile.end[node]!;
    }
  }

  /** Adds all shown nodes: a loop of its own, because there may be millions. */
  addAll(): void {
    const { profile, shown, ...of } = this.selection;
    const { nodes, function: column, end, estimated } = profile;
    const { calls, self, total, waiting, isEstimated, ends } = this;
    for (let node = 0; node < nodes; node++) {
      if (shown[node] !== Shown.Yes) continue;
      const fn = column[node]!;
      calls[fn] = calls[fn]! + of.calls[node]!;
      self[fn] = self[fn]! + of.self[node]!;
      if (of.waiting[node]! > 0) waiting[fn] = waiting[fn]! + of.waiting[node]!;
      if (node < ends[fn]!) continue;
      total[fn] = total[fn]! + of.total[node]!;
      ends[fn] = end[node]!;
    }
    for (let node = estimated; node < nodes; node++) {
      if (shown[node] === Shown.Yes) isEstimated[column[node]!] = 1;
    }
  }

  figures(): Figures[] {
    const { calls, self, total, waiting } = this;
    const rows: Figures[] = [];
    for (let fn = 0; fn < calls.length; fn++) {
      // A part of the time, or one side of two, lacks some functions.
      if (calls[fn]! <= 0 && total[fn]! <= 0) continue;
      rows.push({
        fn,
        calls: calls[fn]!,
        self: self[fn]!,
        total: total[fn]!,
        waiting: waiting[fn]!,
        isEstimated: this.isEstimated[fn] === 1,
      });
    }
    return rows;
  }
}
