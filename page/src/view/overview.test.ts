import { expect, it } from 'vitest';
import { Graph, pathTo } from '../model/frames';
import { recursive } from '../model/profiles.fixture';
import { EVERYTHING, select } from '../model/selection';
import { finish } from '../work';
import { layout } from './layout';
import { frameAt, spanOf } from './overview';

// f0 has 50: f1 30 of it, of which f1 has 20, then f2 15, of which f1 has 8.
const graph = Graph.whole(select(recursive, EVERYTHING));
finish(layout(graph, graph.root, 1000));

it('marks the part of the width that a frame has', () => {
  const span = (path: number[]) => spanOf(finish(graph.find(path)));
  expect(span([])).toEqual({ from: 0, to: 1 });
  expect(span([0, 2])).toEqual({ from: 0.6, to: 0.9 });
  expect(span([0, 2, 1])).toEqual({ from: 0.6, to: 0.76 });
});

it('finds the frame of a row at a place, or the deepest one there', () => {
  const at = (place: number, depth: number) => pathTo(frameAt(graph.root, place, depth));
  expect(at(0.5, 2)).toEqual([0, 1]);
  expect(at(0.5, 3)).toEqual([0, 1]);
  expect(at(0.3, 3)).toEqual([0, 1, 1]);
  expect(at(0.65, 3)).toEqual([0, 2, 1]);
  expect(at(0.95, 3)).toEqual([0]);
  expect([at(-1, 2), at(2, 2)]).toEqual([[0, 1], [0]]);
});
