import { describe, expect, it } from 'vitest';
import { decodeProfile, place, Role, type Profile } from '../data/profile';
import { Reader } from '../data/decode';
import { calleesOf, callersOf, functionFigures, heaviest } from './figures';
import { Graph, pathTo } from './frames';
import { search } from './search';
import { EVERYTHING as ALL, select, type Choice } from './selection';
import { tasksOf } from './tasks';
import { finish } from '../work';
import { profile, recursive, threads } from './profiles.fixture';

/** Returns JSON as in the data of a page, its length first. */
function text(value: unknown): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(value));
  return Uint8Array.from([json.length, ...json]);
}

describe('the function with the most self time', () => {
  const of = (profile: Profile) => heaviest(profile, finish(functionFigures(select(profile, ALL))));

  it('is the one of most time of its own in all nodes', () => {
    expect(of(recursive)).toBe(1);
  });

  it('is no thread, and none without any', () => {
    const idle = profile(
      [Role.Thread, Role.Own],
      [
        [0, 0, 0, 9, 0],
        [1, 1, 1, 0, 0],
      ],
    );
    expect(of(idle)).toBe(-1);
  });
});

describe('columns', () => {
  it('are integers of any length', () => {
    const reader = new Reader(Uint8Array.from([0, 127, 0x80, 1, 0xac, 2]));
    expect([0, 0, 0, 0].map(() => reader.integer())).toEqual([0, 127, 128, 300]);
    expect(() => reader.integer()).toThrow('cut off');
  });

  it('of an empty profile are empty', async () => {
    const header = { nodes: 0, functions: 0, files: 0, exact: 0, callers: 1 };
    const decoded = await decodeProfile(Uint8Array.from([...text(header), 0, 0, 0, 0]));
    expect(decoded.end).toHaveLength(0);
  });

  it('name functions by their places among the callees of their callers', async () => {
    const header = { nodes: 4, functions: 2, files: 1, exact: 1, callers: 3 };
    const bytes = [
      ...text(header),
      // Names, files, lines and roles.
      ...[...text(['main', 'f']), 0, 1, 2, 14, Role.Own, Role.Library],
      ...text(['/srv/a.py', 'a.py']),
      ...text([1, 5, 60, 70.5]),
      // main calls f and main, f calls f, and main is a root.
      ...[2, 1, 1, 2, 0, 0, 3],
      ...[0, 0, 0, 2],
      ...[0, 0, 0, 1],
      // Calls, self times and waiting.
      ...[1, 1, 2, 3, 4, 2, 10, 20, 30, 40, 0, 0, 1, 0, 1, 0, 0, 5, 0],
    ];
    const decoded = await decodeProfile(Uint8Array.from(bytes));
    expect(decoded.functions.name).toEqual(['main', 'f']);
    expect([...Array.from(decoded.functions.file), ...Array.from(decoded.functions.line)]).toEqual([
      0, -1, 1, 7,
    ]);
    expect(decoded.files).toEqual([{ path: '/srv/a.py', short: 'a.py' }]);
    expect([place(decoded, 0), place(decoded, 1)]).toEqual(['a.py:1', '']);
    const withoutLine = { ...decoded, functions: { ...decoded.functions, line: [0, 0] } };
    expect(place(withoutLine, 0)).toBe('a.py');
    expect(decoded.exact).toEqual([{ function: 1, calls: 5, self: 60, total: 70.5 }]);
    expect([...decoded.depth]).toEqual([0, 1, 2, 1]);
    expect([...decoded.end]).toEqual([4, 3, 3, 4]);
    expect([...decoded.function]).toEqual([0, 1, 1, 0]);
    expect([...decoded.self]).toEqual([10, 20, 286, 40]);
    expect([...decoded.waiting]).toEqual([0, 0, 5, 0]);
    await expect(decodeProfile(Uint8Array.from(bytes.slice(0, -1)))).rejects.toThrow('cut off');
  });

  it('end behind the last callee', () => {
    expect([...recursive.end]).toEqual([5, 3, 3, 5, 5]);
  });
});

describe('figures', () => {
  it('count the time of nested calls once', () => {
    const [f0, f1, f2] = finish(functionFigures(select(recursive, ALL)));
    expect(f0).toMatchObject({ calls: 1, self: 5, total: 50 });
    expect(f1).toMatchObject({ calls: 6, self: 38, total: 38, waiting: 4 });
    expect(f2).toMatchObject({ calls: 1, self: 7, total: 15 });
  });

  it('of callers and callees are those of the pair', () => {
    const selection = select(recursive, ALL);
    expect(finish(callersOf(selection, 1)).map(row => [row.fn, row.calls, row.total])).toEqual([
      [0, 2, 30],
      [1, 3, 20],
      [2, 1, 8],
    ]);
    expect(finish(calleesOf(selection, 0)).map(row => [row.fn, row.total])).toEqual([
      [1, 30],
      [2, 15],
    ]);
  });

  it('are exact where the data has better ones', () => {
    const exact = [{ function: 2, calls: 9, self: 90, total: 99 }];
    const selection = select({ ...recursive, exact }, ALL);
    expect(finish(functionFigures(selection))[2]).toMatchObject({ calls: 9, self: 90, total: 99 });
    const mine = select({ ...recursive, exact }, { ...ALL, mine: true });
    expect(finish(functionFigures(mine))).toHaveLength(2);
  });
});

describe('a selection', () => {
  it('without libraries counts their time as their callers’', () => {
    const selection = select(recursive, { ...ALL, mine: true });
    const [f0, f1] = finish(functionFigures(selection));
    expect(f0).toMatchObject({ self: 12, total: 50 });
    expect(f1).toMatchObject({ self: 38, total: 38 });
    expect(selection.wholeTime).toBe(50);
  });

  it('folds what is below an import, except the program’s own code', () => {
    const imported = profile(
      [Role.Own, Role.Import, Role.Library],
      [
        [0, 0, 1, 1, 0],
        [1, 1, 1, 2, 0],
        [2, 2, 1, 4, 0],
        [3, 0, 1, 8, 0],
        [4, 2, 1, 16, 0],
      ],
    );
    const selection = select(imported, { ...ALL, imports: true });
    expect(finish(functionFigures(selection)).map(row => [row.fn, row.self])).toEqual([
      [0, 9],
      [1, 6],
      [2, 16],
    ]);
  });

  it('leaves out threads', () => {
    expect(select(threads, ALL).whole).toBe(40);
    expect(select(threads, { ...ALL, off: new Set([1]) }).whole).toBe(30);
    expect(select(threads, { ...ALL, off: new Set([0]) }).whole).toBe(0);
  });

  it('leaves out tasks, and what runs in none', () => {
    // f0 is the event loop, which runs the coroutines f1, which awaits f2, and f2 by itself.
    const tasks = [1, 2].map(fn => {
      return { depth: 0, function: fn, starts: 1, running: 1, awaiting: 0, longest: 1 };
    });
    const loop = {
      ...profile(
        [Role.Library, Role.Own, Role.Own, Role.Own],
        [
          [0, 0, 1, 1, 0],
          [1, 1, 3, 10, 0],
          [2, 2, 3, 20, 0],
          [1, 2, 1, 40, 0],
          [2, 3, 1, 80, 0],
        ],
      ),
      tasks,
    };
    expect(finish(tasksOf(loop))).toEqual({
      tasks: [
        { fn: 2, calls: 1, time: 120 },
        { fn: 1, calls: 3, time: 30 },
      ],
      outside: 1,
    });
    const whole = (choice: Partial<Choice>) => select(loop, { ...ALL, ...choice }).whole;
    expect(whole({ tasksOff: new Set([2]) })).toBe(31);
    expect(whole({ tasksOff: new Set([1]) })).toBe(121);
    expect(whole({ tasksOnly: true })).toBe(150);
    expect(whole({ tasksOnly: true, tasksOff: new Set([1, 2]) })).toBe(0);
    const alone = select(loop, { ...ALL, tasksOnly: true, tasksOff: new Set([2]) });
    const graph = Graph.whole(alone);
    expect(finish(graph.next(graph.root)).map(frame => [frame.fn, frame.weight])).toEqual([
      [1, 30],
    ]);
    expect(finish(functionFigures(alone)).map(row => row.fn)).toEqual([1, 2]);
  });

  it('has other measures', () => {
    expect(select(recursive, { ...ALL, measure: 'calls' }).whole).toBe(8);
    expect(select(recursive, { ...ALL, measure: 'waiting' }).whole).toBe(11);
    expect(select(recursive, { ...ALL, measure: 'running' }).whole).toBe(39);
  });
});

describe('graphs', () => {
  it('join threads', () => {
    const graph = Graph.whole(select(threads, ALL));
    expect(finish(graph.next(graph.root)).map(frame => [frame.fn, frame.weight])).toEqual([
      [2, 40],
    ]);
  });

  it('of callers add up to the time of each function', () => {
    const graph = finish(Graph.inverted(select(recursive, ALL)));
    const [first] = finish(graph.next(graph.root));
    expect([first!.fn, first!.weight]).toEqual([1, 38]);
    expect(finish(graph.next(first!)).map(frame => [frame.fn, frame.weight])).toEqual([
      [1, 20],
      [0, 10],
      [2, 8],
    ]);
  });

  it('of one function begin at its outermost calls', () => {
    const selection = select(recursive, ALL);
    const callees = finish(Graph.of(selection, 1, 'callees'));
    expect(callees.root.weight).toBe(38);
    expect(finish(callees.next(callees.root)).map(frame => [frame.fn, frame.weight])).toEqual([
      [1, 20],
    ]);
    const callers = finish(Graph.of(selection, 1, 'callers'));
    expect(finish(callers.next(callers.root)).map(frame => [frame.fn, frame.weight])).toEqual([
      [0, 30],
      [2, 8],
    ]);
  });

  it('find frames by their paths, or the last that exists', () => {
    const graph = Graph.whole(select(recursive, ALL));
    expect(pathTo(finish(graph.find([0, 2, 1])))).toEqual([0, 2, 1]);
    expect(pathTo(finish(graph.find([0, 9])))).toEqual([0]);
  });
});

describe('a search', () => {
  it('counts each stack once', () => {
    const found = finish(search(select(recursive, ALL), /f1/));
    expect(found).toMatchObject({ functions: 1, onStack: 38, own: 38 });
    expect(finish(search(select(recursive, ALL), /f[02]/))).toMatchObject({ onStack: 50, own: 12 });
  });
});
