// The profile of a range of the timeline, by the rules of `edbprof tree --from --to`: a call counts
// if it begins in the range, and time counts where it passed.

import type { Profile } from '../data/profile';
import type { Steps } from '../work';
import {
  Beginning,
  firstFrom,
  nanoseconds,
  tickAt,
  type Lane,
  type Process,
  type Timeline,
} from '../data/timeline';

export interface Range {
  /** Nanoseconds since the run's start. */
  from: number;
  to: number;
}

interface Figures {
  calls: Float64Array;
  self: Float64Array;
  waiting: Float64Array;
}

/** Returns `profile` with the figures of `range`. */
export function* profileOf(profile: Profile, timeline: Timeline, range: Range): Steps<Profile> {
  const figures = {
    calls: new Float64Array(profile.nodes),
    self: new Float64Array(profile.nodes),
    waiting: new Float64Array(profile.nodes),
  };
  for (const process of timeline.processes) yield* addProcess(figures, process, range);
  return { ...profile, ...figures, exact: [], estimated: profile.nodes };
}

function* addProcess(figures: Figures, process: Process, range: Range): Steps<void> {
  const from = tickAt(process, range.from);
  const to = tickAt(process, range.to);
  const { parent, place, counts, isCall } = process;
  // Inclusive ticks, and calls.
  const ticks = new Float64Array(parent.length);
  const calls = new Float64Array(parent.length);
  for (const lane of process.lanes) {
    eachSlice(lane, from, to, slice => {
      const node = lane.node[slice]!;
      const begin = lane.begin[slice]!;
      const end = Math.min(begin + lane.ticks[slice]!, to);
      ticks[node] = ticks[node]! + end - Math.max(begin, from);
      if (lane.beginning[slice] === Beginning.Called && begin >= from) calls[node]!++;
    });
    yield;
    addWaits(figures, lane, from, to);
    yield;
  }
  const ofCallees = new Float64Array(parent.length);
  for (let node = parent.length - 1; node >= 0; node--) {
    const at = place[node]!;
    if (at >= 0 && counts[node]) figures.calls[at] = figures.calls[at]! + calls[node]!;
    const above = parent[node]!;
    if (!isCall[node]) {
      // A hidden function or a thread: what it calls is its caller's.
      if (above !== node) ofCallees[above] = ofCallees[above]! + ofCallees[node]!;
      continue;
    }
    const total = ticks[node] ? nanoseconds(process, ticks[node]!) : 0;
    if (at >= 0) figures.self[at] = figures.self[at]! + total - ofCallees[node]!;
    if (above !== node) ofCallees[above] = ofCallees[above]! + total;
  }
}

/** Calls `visit` with each slice of which a part is between two ticks, or that begins there. */
export function eachSlice(
  lane: Lane,
  from: number,
  to: number,
  visit: (slice: number) => void,
): void {
  const { begin, ticks, levels } = lane;
  const first = firstFrom(begin.length, slice => begin[slice]!, from);
  // Of each depth one may be open at the beginning.
  for (const level of levels) {
    const at = firstFrom(level.length, index => begin[level[index]!]!, from) - 1;
    if (at >= 0 && begin[level[at]!]! + ticks[level[at]!]! > from) visit(level[at]!);
  }
  for (let slice = first; slice < begin.length && begin[slice]! < to; slice++) visit(slice);
}

function addWaits(figures: Figures, { waits, process }: Lane, from: number, to: number): void {
  const { begin, ticks, ns, node } = waits;
  const end = (wait: number) => begin[wait]! + ticks[wait]!;
  let wait = firstFrom(begin.length, at => begin[at]!, from);
  while (wait > 0 && end(wait - 1) > from) wait--;
  for (; wait < begin.length && begin[wait]! < to; wait++) {
    const at = process.place[node[wait]!]!;
    if (at < 0) continue;
    figures.waiting[at] =
      figures.waiting[at]! + part(begin[wait]!, ticks[wait]!, ns[wait]!, from, to);
  }
}

/** Returns the part of `ns`, which passed in so many ticks from `begin` on, between two ticks. */
function part(begin: number, ticks: number, ns: number, from: number, to: number): number {
  if (begin >= from && begin + ticks <= to) return ns;
  if (ticks === 0) return 0;
  const until = (tick: number) => {
    const inside = Math.min(Math.max(tick - begin, 0), ticks);
    return Number((BigInt(ns) * BigInt(inside)) / BigInt(ticks));
  };
  return until(to) - until(from);
}
