import { describe, expect, it } from 'vitest';
import { ends, type Profile } from '../data/profile';
import { Beginning, type Lane, type Process, type Timeline } from '../data/timeline';
import { callsOf, durationOf, marksOf, type SingleCalls } from './calls';
import { finish } from '../work';
import { profileOf } from './range';

// Two ticks are one nanosecond, and tick 0 is at 100 ns. f0 calls f1 twice; f1 calls f0.
const process: Process = {
  name: 'process 1',
  zero: 100n,
  rate: 1n << 39n,
  zeroNs: 100,
  perTick: 0.5,
  parent: Uint32Array.from([0, 0, 1, 2]),
  depth: Uint32Array.from([0, 1, 2, 3]),
  fn: Uint32Array.from([9, 0, 1, 0]),
  isCall: Uint8Array.from([0, 1, 1, 1]),
  counts: Uint8Array.from([0, 1, 1, 1]),
  place: Int32Array.from([-1, 0, 1, 2]),
  lanes: [],
};
const lane: Lane = {
  process,
  name: 'MainThread',
  begin: Float64Array.from([0, 10, 14, 40, 70]),
  ticks: Float64Array.from([100, 20, 4, 10, 5]),
  beginning: Uint8Array.from([
    Beginning.Called,
    Beginning.Called,
    Beginning.Called,
    Beginning.Called,
    Beginning.Cut,
  ]),
  node: Uint32Array.from([1, 2, 3, 2, 2]),
  waits: {
    begin: Float64Array.from([14]),
    ticks: Float64Array.from([4]),
    ns: Float64Array.from([2]),
    node: Uint32Array.from([3]),
  },
  levels: [Uint32Array.from([0]), Uint32Array.from([1, 3, 4]), Uint32Array.from([2])],
};
process.lanes.push(lane);
const timeline: Timeline = {
  end: 150,
  minDuration: 0,
  remarks: [],
  processes: [process],
  lanes: [lane],
};
const depth = Uint32Array.from([0, 1, 2]);
const profile = { nodes: 3, depth, end: ends(depth), exact: [] } as unknown as Profile;
const figures = (from: number, to: number) => {
  const { calls, self, waiting } = finish(profileOf(profile, timeline, { from, to }));
  return [[...calls], [...self], [...waiting]];
};

describe('a range', () => {
  it('of everything has all calls and all time', () => {
    expect(figures(0, 1000)).toEqual([
      [1, 2, 1],
      [33, 15, 2],
      [0, 0, 2],
    ]);
  });

  it('counts calls that begin in it, and time that passes in it', () => {
    // Ticks 12 to 16: f1 and its callee are open, which begins at 14.
    expect(figures(106, 108)).toEqual([
      [0, 0, 1],
      [0, 1, 1],
      [0, 0, 1],
    ]);
  });

  it('adds up with the one beside it', () => {
    const [one, other, both] = [figures(0, 108), figures(108, 150), figures(0, 150)];
    const sums = one!.map((column, i) => column.map((value, j) => value + other![i]![j]!));
    expect(sums).toEqual(both);
  });

  it('before and behind everything is empty', () => {
    const none = [0, 0, 0];
    expect(figures(0, 100)).toEqual([none, none, none]);
    expect(figures(200, 300)).toEqual([none, none, none]);
  });
});

const durations = (of: SingleCalls) => Array.from(of.order, call => durationOf(of, call));

describe('single calls', () => {
  it('are the outermost ones, and cuts are parts of them', () => {
    const calls = finish(callsOf(timeline, 1));
    // Whole nanoseconds, as by `edbprof calls`: the second one has 7.5.
    expect(durations(calls)).toEqual([10, 7]);
    expect(Array.from(calls.order, call => calls.from[call])).toEqual([105, 120]);
    expect([...calls.byLane]).toEqual([[lane, [0, 2]]]);
    expect(durations(finish(callsOf(timeline, 0)))).toEqual([50]);
    expect(durations(finish(callsOf(timeline, 7)))).toEqual([]);
  });

  it('have no parts that took no time', () => {
    // A call of f0 within another one: both go on at 30, and end there.
    const cut: Lane = {
      ...lane,
      begin: Float64Array.from([0, 10, 30, 30]),
      ticks: Float64Array.from([20, 10, 0, 0]),
      beginning: Uint8Array.from([
        Beginning.Called,
        Beginning.Called,
        Beginning.Cut,
        Beginning.Cut,
      ]),
      node: Uint32Array.from([1, 3, 1, 3]),
    };
    const calls = finish(callsOf({ ...timeline, lanes: [cut] }, 0));
    expect([calls.parts, durations(calls)]).toEqual([0, [10]]);
  });

  it('have one mark, and none where another one ends in the same pixel', () => {
    const calls = finish(callsOf(timeline, 1));
    const marks = (from: number, to: number, width: number) => [
      ...marksOf(calls, lane, { from, to }, width),
    ];
    expect(marks(100, 150, 50)).toEqual([
      [5, 15],
      [20, 37.5],
    ]);
    expect(marks(100, 150, 1)).toHaveLength(1);
    expect(marks(116, 119, 50)).toEqual([]);
    // The call begins before what is seen, and ends behind it.
    expect(marks(121, 122, 1000)).toEqual([[0, 1000]]);
  });
});
