// Single calls of one function, found in the timeline.

import {
  Beginning,
  firstFrom,
  nanoseconds,
  nsAt,
  type Lane,
  type Timeline,
} from '../data/timeline';
import { inParts, type Steps } from '../work';
import { ascending } from './order';

/** Calls as columns, those of a lane in the order of time, one lane after the other. */
export interface SingleCalls {
  lane: Lane[];
  /** Begin and end of each call, nanoseconds. */
  from: number[];
  to: number[];
  /** Ticks of each call, without what the recorder took. */
  ticks: number[];
  /** True for what continues: a step of a generator, or a call that began before the history. */
  isPart: boolean[];
  parts: number;
  /** Places of the first call and of the one behind the last, for each lane. */
  byLane: Map<Lane, [number, number]>;
  /** Places of the calls, the longest first. */
  order: Uint32Array;
}

/** Finds the calls of `fn` that are within no other one of it. */
export function* callsOf(timeline: Timeline, fn: number): Steps<SingleCalls> {
  const byLane: SingleCalls['byLane'] = new Map();
  const found = {
    lane: [] as Lane[],
    from: [] as number[],
    to: [] as number[],
    ticks: [] as number[],
    isPart: [] as boolean[],
    parts: 0,
    byLane,
  };
  for (const lane of timeline.lanes) {
    const first = found.from.length;
    yield* addLane(found, lane, fn);
    if (found.from.length > first) byLane.set(lane, [first, found.from.length]);
  }
  return { ...found, order: yield* longestFirst(found) };
}

function* addLane(found: Omit<SingleCalls, 'order'>, lane: Lane, fn: number): Steps<void> {
  const { process, begin, ticks, node, beginning } = lane;
  if (!process.fn.includes(fn)) return;
  const isMeant = Uint8Array.from(process.fn, (of, at) =>
    of === fn && process.isCall[at] ? 1 : 0,
  );
  let end = -1;
  let latest = -1;
  const look = (first: number, last: number) => {
    for (let slice = first; slice < last; slice++) {
      const at = node[slice]!;
      const from = begin[slice]!;
      if (!isMeant[at] || from < end) continue;
      // The rest of a nested call may begin where that of the outer one has ended at once.
      if (ticks[slice] === 0 && beginning[slice] === Beginning.Cut && latest >= 0) continue;
      end = from + ticks[slice]!;
      const to = nsAt(process, end);
      if (beginning[slice] === Beginning.Cut && latest === at) {
        const call = found.from.length - 1;
        found.ticks[call] = found.ticks[call]! + ticks[slice]!;
        found.to[call] = to;
        continue;
      }
      latest = at;
      const isPart = beginning[slice] !== Beginning.Called;
      found.lane.push(lane);
      found.from.push(nsAt(process, from));
      found.to.push(to);
      found.ticks.push(ticks[slice]!);
      found.isPart.push(isPart);
      if (isPart) found.parts++;
    }
  };
  yield* inParts(node.length, look);
}

/** Returns the places of calls by their durations; of equal ones, the earlier first. */
function* longestFirst({ lane, from, ticks }: Omit<SingleCalls, 'order'>): Steps<Uint32Array> {
  const { length } = from;
  const keys = new Float64Array(length);
  // A call may begin before the run does.
  const begin = (first: number, last: number) => {
    for (let i = first; i < last; i++) keys[i] = Math.max(0, from[i]!);
  };
  yield* inParts(length, begin);
  const early = yield* ascending(keys);
  const duration = (call: number) => ticks[call]! * lane[call]!.process.perTick;
  let longest = 0;
  const look = (first: number, last: number) => {
    for (let i = first; i < last; i++) longest = Math.max(longest, duration(i));
  };
  yield* inParts(length, look);
  const measure = (first: number, last: number) => {
    for (let i = first; i < last; i++) keys[i] = longest - duration(early[i]!);
  };
  yield* inParts(length, measure);
  return (yield* ascending(keys)).map(at => early[at]!);
}

/** Returns the duration of a call, whole nanoseconds as `edbprof calls` has them. */
export function durationOf({ lane, ticks }: SingleCalls, call: number): number {
  return nanoseconds(lane[call]!.process, ticks[call]!);
}

/**
 * Returns begin and end, in pixels, of a lane's calls that are seen in a part of time that is
 * `width` pixels wide. Of those that end within one pixel, the first alone is seen.
 */
export function* marksOf(
  { from, to, byLane }: SingleCalls,
  lane: Lane,
  sight: { from: number; to: number },
  width: number,
): Generator<[number, number]> {
  const scale = width / (sight.to - sight.from);
  const [first, last] = byLane.get(lane) ?? [0, 0];
  const endingFrom = (least: number) =>
    first + firstFrom(last - first, at => to[first + at]!, least);
  for (let call = endingFrom(sight.from); call < last && from[call]! <= sight.to;) {
    const x = Math.max((from[call]! - sight.from) * scale, 0);
    const end = Math.min((to[call]! - sight.from) * scale, width);
    yield [x, end];
    const next = sight.from + (Math.max(x, Math.floor(end)) + 1) / scale;
    call = Math.max(call + 1, endingFrom(next));
  }
}
