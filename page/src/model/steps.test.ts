import { describe, expect, it } from 'vitest';
import { ends, Role, type Before, type Profile } from '../data/profile';
import { folded, tableCsv, tableText } from '../text/copy';
import { layout } from '../view/layout';
import { filtered, sortFigures, withRelations } from '../view/rows';
import { finish, type Steps } from '../work';
import { countingMatches, treeRows } from './call_tree';
import { functionFigures } from './figures';
import { Graph } from './frames';
import { ranks } from './order';
import { search } from './search';
import { EVERYTHING, select, selecting, type Selection } from './selection';
import { tasksOf } from './tasks';

const NODES = 200_000;
const FUNCTIONS = 20_000;

/** Returns a profile whose root calls f1, which makes most calls, beside many others. */
function wide(): Profile {
  const depth = Uint32Array.from({ length: NODES }, (_, i) => (i === 0 ? 0 : i % 2 ? 1 : 2));
  const column = Uint32Array.from({ length: NODES }, (_, i) => (i % 2 ? 1 : i % FUNCTIONS));
  const ones = new Float64Array(NODES).fill(1);
  const before: Before = { calls: ones, self: ones.slice(), waiting: ones };
  return {
    version: 1,
    title: '',
    remarks: [],
    nodes: NODES,
    estimated: NODES,
    functions: {
      name: Array.from({ length: FUNCTIONS }, (_, fn) => `f${fn}`),
      file: new Int32Array(FUNCTIONS).fill(-1),
      line: new Uint32Array(FUNCTIONS),
      role: new Uint8Array(FUNCTIONS).fill(Role.Own),
    },
    files: [],
    generics: [],
    tasks: [],
    exact: [],
    depth,
    function: column,
    end: ends(depth),
    calls: ones,
    self: Float64Array.from(ones, (_, i) => 1 + (i % 7)),
    waiting: ones,
    before,
  };
}

/** Returns the number of steps. */
function stepsOf(steps: Steps<unknown>): number {
  let number = 0;
  while (!steps.next().done) number++;
  return number;
}

describe('work on many nodes and functions', () => {
  const profile = wide();
  const selection = select(profile, EVERYTHING);
  const figures = finish(functionFigures(selection));
  const fresh = (): Selection => ({ ...selection });
  const inverted = finish(Graph.inverted(selection));
  const whole = Graph.whole(selection);
  const [root] = finish(whole.next(whole.root));
  const matches = new Uint8Array(FUNCTIONS);
  const parts = NODES >> 16;
  // Half of the functions occur.
  const [all, occurring] = [FUNCTIONS >> 12, FUNCTIONS >> 13];
  // A step is for 65,536 nodes, or for 4,096 functions, which need more time.
  const works: [string, number, () => Steps<unknown>][] = [
    ['a selection', 4 * parts, () => selecting(profile, { ...EVERYTHING, mine: true })],
    ['a measure', 2 * parts, () => selecting(profile, { ...EVERYTHING, measure: 'running' })],
    ['figures of functions', parts, () => functionFigures(fresh())],
    ['a search', all + parts, () => search(selection, /f9/)],
    ['the inverted graph', parts, () => Graph.inverted(fresh())],
    ['callers of a function', 1, () => inverted.next(inverted.root.next![0]!)],
    ['callees of a frame', 3, () => whole.next(root!)],
    ['the sandwich of a function', 1, () => Graph.of(selection, 1, 'callees')],
    ['the frames in sight', 3, () => layout(Graph.whole(selection), whole.root, 1000)],
    ['a filter', occurring, () => filtered(profile, figures, 'f9')],
    ['an order', 8, () => sortFigures(figures, 'self', false, null)],
    ['an order of names', all, () => ranks(profile.functions.name)],
    ['callers and callees', 3, () => withRelations(selection, figures, new Set([1]))],
    ['tasks', parts, () => tasksOf(profile)],
    ['the call tree', 2, () => treeRows(Graph.whole(selection), new Map([[0, new Map()]]))],
    ['a search in the call tree', parts, () => countingMatches(selection, matches)],
    ['a table as text', 2 * occurring, () => tableText(selection, figures)],
    ['a table as CSV', occurring, () => tableCsv(selection, figures)],
    ['folded stacks', NODES >> 12, () => folded(selection)],
  ];
  for (const [name, least, work] of works) {
    it(`is done in steps: ${name}`, () => {
      expect(stepsOf(work())).toBeGreaterThanOrEqual(least);
    });
  }
});

describe('a table with open functions', () => {
  it('has their callers and callees below them', () => {
    const selection = select(wide(), EVERYTHING);
    const figures = finish(functionFigures(selection)).slice(0, 3);
    const rows = finish(withRelations(selection, figures, new Set([0, 2])));
    const all = Array.from({ length: rows.length }, (_, index) => rows.at(index));
    const words = all.map(row => `${row.kind} ${row.figures.fn} ${row.isOpen}`);
    expect(words).toEqual([
      'function 0 true',
      'caller 1 false',
      'callee 1 false',
      'function 1 false',
      'function 2 true',
      'caller 1 false',
    ]);
  });
});
