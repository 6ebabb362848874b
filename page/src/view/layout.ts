// The places of frames: rows of boxes, as wide as their weight.

import type { Frame, Graph } from '../model/frames';
import type { Steps } from '../work';

export interface Box {
  frame: Frame;
  x: number;
  width: number;
  /** True for frames between the root and the one that fills the width. */
  isAbove: boolean;
}

/** Narrowest box that is drawn, and narrowest one whose callees are, pixels. */
const LEAST = 0.5;
const LEAST_OPEN = 1;

/** Returns the rows of boxes, the root's first. `focus` and the frames above it fill `width`. */
export function* layout(graph: Graph, focus: Frame, width: number): Steps<Box[][]> {
  const rows: Box[][] = [];
  for (let frame: Frame | null = focus; frame; frame = frame.parent) {
    rows.unshift([{ frame, x: 0, width, isAbove: frame !== focus }]);
  }
  if (focus.weight <= 0) return rows;
  const scale = width / focus.weight;
  let row = rows[rows.length - 1]!;
  for (;;) {
    const next: Box[] = [];
    for (const box of row) {
      if (box.width < LEAST_OPEN || box.isAbove) continue;
      let x = box.x;
      const isMade = box.frame.next !== null;
      for (const frame of isMade ? box.frame.next! : yield* graph.next(box.frame)) {
        const wide = frame.weight * scale;
        // They are sorted, so that all others are narrower.
        if (wide < LEAST) break;
        next.push({ frame, x, width: wide, isAbove: false });
        x += wide;
      }
      if (!isMade) yield;
    }
    if (next.length === 0) return rows;
    rows.push(next);
    row = next;
  }
}

/** Returns the box of `row` at `x`, if there is one. */
export function boxAt(row: readonly Box[], x: number): Box | undefined {
  let low = 0;
  let high = row.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (row[middle]!.x <= x) low = middle + 1;
    else high = middle;
  }
  const box = row[low - 1];
  return box && x < box.x + Math.max(box.width, 1) ? box : undefined;
}

/** Returns the box that an arrow key leads to from `box` in row `at`. */
export function neighbour(
  rows: readonly (readonly Box[])[],
  at: number,
  box: Box,
  to: 'caller' | 'callee' | 'left' | 'right',
): Box | undefined {
  const row = rows[at]!;
  switch (to) {
    case 'left':
      return row[row.indexOf(box) - 1];
    case 'right':
      return row[row.indexOf(box) + 1];
    case 'caller':
      return rows[at - 1]?.find(other => other.frame === box.frame.parent);
    case 'callee':
      return rows[at + 1]?.find(other => other.frame.parent === box.frame);
  }
}
