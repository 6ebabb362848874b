// The timeline as columns: for each thread the calls by their beginnings, in ticks of its process's
// clock. Ticks are added up exactly, and become nanoseconds at the end.

import { pause } from '../work';
import { Reader, inflate } from './decode';

/** Beginnings of slices. The numbers are those of src/report/page/timeline.rs. */
export const enum Beginning {
  /** It goes on after time that the recorder took for itself. */
  Cut = 0,
  Called = 1,
  Resumed = 2,
  /** It was open before the history, or its greenlet goes on. */
  Open = 3,
}

interface LaneHeader {
  name: string;
  slices: number;
  waits: number;
}

interface Header {
  /** End of the run, nanoseconds since its start. */
  end: number;
  /** Calls that are shorter are left out, nanoseconds. */
  minDuration: number;
  remarks: string[];
  processes: {
    name: string;
    zero: string;
    rate: string;
    nodes: number;
    threads: LaneHeader[];
  }[];
}

export interface Process {
  name: string;
  /** Tick 0 on the axis, nanoseconds. */
  zero: bigint;
  /** Nanoseconds in a tick, times 2^40. */
  rate: bigint;
  /** The same as numbers, for places on the screen. */
  zeroNs: number;
  perTick: number;
  /** For each node its caller; a root is its own. */
  parent: Uint32Array;
  depth: Uint32Array;
  /** Function of the page. */
  fn: Uint32Array;
  /** True for functions: others are threads and hidden functions. */
  isCall: Uint8Array;
  /** True if the node of the page counts its calls. */
  counts: Uint8Array;
  /** Node of the page that has its time, or -1. */
  place: Int32Array;
  lanes: Lane[];
}

export interface Lane {
  process: Process;
  name: string;
  begin: Float64Array;
  ticks: Float64Array;
  beginning: Uint8Array;
  node: Uint32Array;
  waits: { begin: Float64Array; ticks: Float64Array; ns: Float64Array; node: Uint32Array };
  /** Slices of each depth, by their beginnings; they never overlap. */
  levels: Uint32Array[];
}

export interface Timeline {
  end: number;
  minDuration: number;
  remarks: string[];
  processes: Process[];
  lanes: Lane[];
}

/** Reads the timeline from the text of the page's data block. */
export async function readTimeline(text: string): Promise<Timeline> {
  return decodeTimeline(await inflate(text));
}

/** Reads the timeline from decompressed bytes. */
export async function decodeTimeline(bytes: Uint8Array): Promise<Timeline> {
  const reader = new Reader(bytes);
  const header = JSON.parse(reader.text()) as Header;
  const processes: Process[] = [];
  for (const of of header.processes) {
    const process = await readProcess(reader, of);
    for (const thread of of.threads) process.lanes.push(await readLane(reader, process, thread));
    processes.push(process);
  }
  return {
    end: header.end,
    minDuration: header.minDuration,
    remarks: header.remarks,
    processes,
    lanes: processes.flatMap(process => process.lanes),
  };
}

async function readProcess(reader: Reader, header: Header['processes'][number]): Promise<Process> {
  const { nodes } = header;
  const parent = new Uint32Array(nodes);
  const depth = new Uint32Array(nodes);
  for (let node = 0; node < nodes; node++) parent[node] = node - reader.integer();
  const words = await reader.column(new Uint32Array(nodes));
  const place = new Int32Array(nodes);
  for (let node = 0; node < nodes; node++) place[node] = reader.integer() - 1;
  for (let node = 0; node < nodes; node++) {
    const above = parent[node]!;
    if (above !== node) depth[node] = depth[above]! + ((words[node]! >> 1) & 1);
  }
  return {
    name: header.name,
    zero: BigInt(header.zero),
    rate: BigInt(header.rate),
    zeroNs: Number(header.zero),
    perTick: Number(header.rate) / 2 ** 40,
    parent,
    depth,
    fn: words.map(word => word >>> 2),
    isCall: Uint8Array.from(words, word => (word >> 1) & 1),
    counts: Uint8Array.from(words, word => word & 1),
    place,
    lanes: [],
  };
}

async function readLane(reader: Reader, process: Process, header: LaneHeader): Promise<Lane> {
  const { slices, waits } = header;
  const begin = await reader.increasing(slices);
  const ticks = await reader.floats(slices);
  const beginning = new Uint8Array(slices);
  for (let slice = 0; slice < slices; slice++) {
    const word = ticks[slice]!;
    beginning[slice] = word % 4;
    ticks[slice] = Math.floor(word / 4);
  }
  const node = await reader.differences(slices);
  return {
    process,
    name: header.name,
    begin,
    ticks,
    beginning,
    node,
    waits: {
      begin: await reader.increasing(waits),
      ticks: await reader.floats(waits),
      ns: await reader.floats(waits),
      node: await reader.differences(waits),
    },
    levels: await levelsOf(node, process),
  };
}

/** Sorts slices by depth; those of one depth stay in order. */
async function levelsOf(node: Uint32Array, { depth }: Process): Promise<Uint32Array[]> {
  const numbers: number[] = [];
  for (const at of node) numbers[depth[at]!] = (numbers[depth[at]!] ?? 0) + 1;
  await pause();
  const levels = Array.from(numbers, number => new Uint32Array(number ?? 0));
  const filled = new Uint32Array(levels.length);
  node.forEach((at, slice) => {
    const level = depth[at]!;
    levels[level]![filled[level]!++] = slice;
  });
  await pause();
  // Roots are no calls.
  return levels.slice(1);
}

/** Returns the node of the page that stands for a lane's thread, or -1. */
export function rootOf({ node, process }: Lane): number {
  let at = node[0];
  if (at === undefined) return -1;
  while (process.parent[at] !== at) at = process.parent[at]!;
  return process.place[at]!;
}

/** Returns the first tick of a process that is no earlier than `ns` on the axis. */
export function tickAt({ zero, rate }: Process, ns: number): number {
  const since = BigInt(Math.round(ns)) - zero;
  if (since <= 0n) return 0;
  return Number(((since << 40n) + rate - 1n) / rate);
}

/** Returns whole nanoseconds of ticks, rounded down. */
export function nanoseconds({ rate }: Process, ticks: number): number {
  return Number((BigInt(ticks) * rate) >> 40n);
}

/** Returns the place of a tick on the axis, nanoseconds. */
export function nsAt({ zeroNs, perTick }: Process, tick: number): number {
  return zeroNs + tick * perTick;
}

/** Returns the first of the ascending `length` values that is `least` or more. */
export function firstFrom(length: number, at: (index: number) => number, least: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(middle) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
