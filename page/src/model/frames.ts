// Frames of flame graphs. A frame stands for all nodes of one function below one frame, in all
// threads. Its callees, or callers in an inverted graph, are made when they are to be seen, so that
// the first picture of a million nodes needs no million frames.

import { inParts, OBJECTS, type Steps } from '../work';
import { outermost } from './figures';
import { findingOccurrences, nodesOf } from './occurrences';
import { ascending, sorted } from './order';
import { eachCallee, type Selection } from './selection';

export interface Frame {
  /** Function, or -1 for the whole. */
  fn: number;
  weight: number;
  parent: Frame | null;
  depth: number;
  nodes: ArrayLike<number>;
  /** In graphs of callers the part of the weight that each node stands for: if absent, its own. */
  parts: ArrayLike<number> | null;
  /** Growth of the nodes' self time, where two sides are compared. */
  growth: number;
  next: Frame[] | null;
}

/** Lightest frame that is made for a caller, as a share of its callee, which is never wider than the
 * window: lighter ones are never seen. */
const LEAST = 1e-5;

export type Direction = 'callees' | 'callers';

/** A graph whose frames are made on demand. */
export class Graph {
  readonly root: Frame;

  private constructor(
    readonly selection: Selection,
    readonly direction: Direction,
    fn: number,
    nodes: ArrayLike<number>,
    weight: number,
  ) {
    this.root = {
      fn,
      weight,
      parent: null,
      depth: 0,
      nodes,
      parts: null,
      growth: 0,
      next: null,
    };
  }

  /** Returns the graph of all calls, from the roots on. */
  static whole(selection: Selection): Graph {
    return new Graph(selection, 'callees', -1, [-1], selection.whole);
  }

  /** Returns the inverted graph: each function by itself, its callers next to it. */
  static *inverted(selection: Selection): Steps<Graph> {
    const graph = new Graph(selection, 'callers', -1, [], selection.whole);
    graph.root.next = yield* byFunction(selection, graph.root);
    return graph;
  }

  /** Returns the callees, or callers, of all outermost calls of `fn`. */
  static *of(selection: Selection, fn: number, direction: Direction): Steps<Graph> {
    const nodes = yield* outermost(selection, fn);
    const weights = new Float64Array(nodes.length);
    let weight = 0;
    let growth = 0;
    const add = (first: number, last: number) => {
      for (let i = first; i < last; i++) {
        weights[i] = selection.weight[nodes[i]!]!;
        weight += weights[i]!;
        growth += growthOf(selection, nodes[i]!);
      }
    };
    yield* inParts(nodes.length, add);
    const graph = new Graph(selection, direction, fn, nodes, weight);
    graph.root.growth = growth;
    if (direction === 'callers') graph.root.parts = weights;
    return graph;
  }

  /** Returns the frames next to `frame`, the heaviest first. */
  *next(frame: Frame): Steps<Frame[]> {
    const isDown = this.direction === 'callees';
    frame.next ??= yield* isDown ? this.callees(frame) : this.callers(frame);
    return frame.next;
  }

  /** Returns the frame at the end of a path of functions, or the last one that exists. */
  *find(path: readonly number[]): Steps<Frame> {
    let frame = this.root;
    for (const fn of path) {
      const next = (yield* this.next(frame)).find(callee => callee.fn === fn);
      if (!next) break;
      frame = next;
    }
    return frame;
  }

  private *callees(frame: Frame): Steps<Frame[]> {
    const { profile, weight, calls } = this.selection;
    const groups = new Groups(this.selection, frame);
    yield* eachCallee(this.selection, frame.nodes, callee => {
      const heavy = weight[callee]!;
      // Calls without a weight have rows in the call tree.
      const isThere = heavy > 0 || calls[callee]! > 0;
      if (isThere) groups.add(profile.function[callee]!, callee, heavy, false);
    });
    return yield* groups.frames();
  }

  private *callers(frame: Frame): Steps<Frame[]> {
    const { profile, up, own } = this.selection;
    const { nodes, parts } = frame;
    const each = (visit: (fn: number, caller: number, part: number) => void) =>
      inParts(nodes.length, (first, last) => {
        for (let i = first; i < last; i++) {
          const node = nodes[i]!;
          const caller = up[node]!;
          const part = parts ? parts[i]! : own[node]!;
          if (caller >= 0 && part > 0) visit(profile.function[caller]!, caller, part);
        }
      });
    // Of many callers most are never seen, and their frames would take most of the time.
    const isMany = nodes.length > OBJECTS;
    const weights = isMany ? new Float64Array(profile.functions.name.length) : null;
    if (weights) yield* each((fn, _, part) => (weights[fn] = weights[fn]! + part));
    const least = frame.weight * LEAST;
    const groups = new Groups(this.selection, frame);
    yield* each((fn, caller, part) => {
      if (!weights || weights[fn]! >= least) groups.add(fn, caller, part, true);
    });
    return yield* groups.frames();
  }
}

/** Returns the growth of a node's self time; 0 where nothing is compared. */
function growthOf({ self, before }: Selection, node: number): number {
  return before ? self[node]! - before.self[node]! : 0;
}

/** Returns the functions from the root to `frame`. */
export function pathTo(frame: Frame): number[] {
  const path: number[] = [];
  for (let at = frame; at.parent; at = at.parent) path.push(at.fn);
  return path.reverse();
}

/** Returns a frame for each function that has a weight of its own. */
function* byFunction(selection: Selection, parent: Frame): Steps<Frame[]> {
  const { own, profile, whole, before } = selection;
  const least = whole * LEAST;
  const { nodes, function: column } = profile;
  const { length } = profile.functions.name;
  const weights = new Float64Array(length);
  const growths = new Float64Array(before ? length : 0);
  const add = (first: number, last: number) => {
    for (let node = first; node < last; node++) {
      const fn = column[node]!;
      weights[fn] = weights[fn]! + own[node]!;
      if (before) growths[fn] = growths[fn]! + growthOf(selection, node);
    }
  };
  yield* inParts(nodes, add);
  const occurrences = yield* findingOccurrences(profile);
  const functions: number[] = [];
  const choose = (first: number, last: number) => {
    for (let fn = first; fn < last; fn++) {
      if (weights[fn]! > 0 && weights[fn]! >= least) functions.push(fn);
    }
  };
  yield* inParts(length, choose);
  // The heaviest first.
  const keys = new Float64Array(functions.length);
  const weigh = (first: number, last: number) => {
    for (let i = first; i < last; i++) keys[i] = whole - weights[functions[i]!]!;
  };
  yield* inParts(keys.length, weigh);
  const order = yield* ascending(keys);
  const frames: Frame[] = [];
  const make = (first: number, last: number) => {
    for (const at of order.subarray(first, last)) {
      const fn = functions[at]!;
      const of = nodesOf(occurrences, fn);
      const [weight, growth] = [weights[fn]!, growths[fn] ?? 0];
      frames.push({ fn, weight, parent, depth: 1, nodes: of, parts: null, growth, next: null });
    }
  };
  yield* inParts(order.length, make, OBJECTS);
  return frames;
}

function heaviest(a: Frame, b: Frame): number {
  return b.weight - a.weight || a.fn - b.fn;
}

/** Frame whose nodes are being put together. */
interface OpenFrame extends Frame {
  nodes: number[];
  parts: number[] | null;
}

/** Frames next to another one that are being put together, one a function. */
class Groups {
  private readonly of = new Map<number, OpenFrame>();

  constructor(
    private readonly selection: Selection,
    private readonly parent: Frame,
  ) {}

  add(fn: number, node: number, weight: number, hasParts: boolean): void {
    let frame = this.of.get(fn);
    if (!frame) {
      const { parent } = this;
      const parts = hasParts ? [] : null;
      const depth = parent.depth + 1;
      frame = { fn, weight: 0, parent, depth, nodes: [], parts, growth: 0, next: null };
      this.of.set(fn, frame);
    }
    frame.weight += weight;
    frame.growth += growthOf(this.selection, node);
    frame.nodes.push(node);
    frame.parts?.push(weight);
  }

  frames(): Steps<Frame[]> {
    return sorted([...this.of.values()], heaviest);
  }
}
