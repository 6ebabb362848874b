// Single calls of one function, found in the timeline.

import { Beginning, nsAt, type Lane, type Timeline } from '../data/timeline';

export interface SingleCalls {
  /** Lane of each call, by the calls' durations, the longest first. */
  lane: Lane[];
  /** Begin, end and duration, nanoseconds; a duration leaves out what the recorder took. */
  from: Float64Array;
  to: Float64Array;
  duration: Float64Array;
  /** True for what continues: a step of a generator, or a call that began before the history. */
  isPart: Uint8Array;
  /** Calls by lane, in the order of time. */
  byLane: Map<Lane, { from: number; to: number }[]>;
}

/** Finds the calls of `fn` that are within no other one of it. */
export function callsOf(timeline: Timeline, fn: number): SingleCalls {
  const found: { lane: Lane; from: number; to: number; duration: number; isPart: boolean }[] = [];
  const byLane: SingleCalls['byLane'] = new Map();
  for (const lane of timeline.lanes) {
    const { process, begin, ticks, node, beginning } = lane;
    if (!process.fn.includes(fn)) continue;
    const isMeant = Uint8Array.from(process.fn, of => (of === fn ? 1 : 0));
    const first = found.length;
    let end = -1;
    let last = -1;
    for (let slice = 0; slice < node.length; slice++) {
      const at = node[slice]!;
      if (!isMeant[at] || !process.isCall[at]) continue;
      const from = begin[slice]!;
      if (from < end) continue;
      end = from + ticks[slice]!;
      const duration = ticks[slice]! * process.perTick;
      const to = nsAt(process, end);
      if (beginning[slice] === Beginning.Cut && last === at) {
        const call = found[found.length - 1]!;
        call.duration += duration;
        call.to = to;
        continue;
      }
      last = at;
      const isPart = beginning[slice] !== Beginning.Called;
      found.push({ lane, from: nsAt(process, from), to, duration, isPart });
    }
    if (found.length > first) byLane.set(lane, found.slice(first));
  }
  found.sort((a, b) => b.duration - a.duration || a.from - b.from);
  return {
    lane: found.map(call => call.lane),
    from: Float64Array.from(found, call => call.from),
    to: Float64Array.from(found, call => call.to),
    duration: Float64Array.from(found, call => call.duration),
    isPart: Uint8Array.from(found, call => (call.isPart ? 1 : 0)),
    byLane,
  };
}
