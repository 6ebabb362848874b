// The profile as columns. Nodes are in depth-first order, so that the callees of node `n`, at any
// depth, are the nodes from `n + 1` to `end[n]`. Every walk is a loop over a range.

import { inParts, inSteps, OBJECTS, pause, type Steps } from '../work';
import { Reader, inflate } from './decode';

/** Parts that a function has in the program. The numbers are those of src/report/page/functions.rs. */
export const enum Role {
  Own = 0,
  Library = 1,
  Builtin = 2,
  Import = 3,
  Process = 4,
  Thread = 5,
  Other = 6,
}

/** Kinds of functions, one element a function. */
export interface Functions {
  name: string[];
  /** Index of the file, or -1. */
  file: ArrayLike<number>;
  line: ArrayLike<number>;
  role: ArrayLike<Role>;
}

/** A source file. */
export interface SourceFile {
  path: string;
  short: string;
}

/** Calls of one implementation of a generic function. */
export interface GenericCalls {
  generic: string;
  caller: string;
  implementation: string;
  calls: number;
}

/** Figures of one function by pstats' rules, where the tree alone does not give them. */
export interface ExactRow {
  function: number;
  calls: number;
  self: number;
  total: number;
}

/** A coroutine below the one that awaits it. Times are nanoseconds. */
export interface TaskRow {
  depth: number;
  function: number;
  starts: number;
  running: number;
  awaiting: number;
  longest: number;
}

/** Figures of a function on one side of a comparison, means over its runs. */
export interface SideFigures {
  calls: number;
  self: number;
  total: number;
  waiting: number;
}

/** Change of one function between two sides. */
export interface ChangeRow {
  function: number;
  /** `null` if there is no such function on that side. */
  before: SideFigures | null;
  after: SideFigures | null;
  /** The parts of the change of self time: more or fewer calls, and longer or shorter ones. */
  byCalls: number;
  byTime: number;
  isUnsteady: boolean;
  /** False if the change is within the noise, `null` if there are too few runs to say so. */
  isCertain: boolean | null;
}

/** What is compared: the profile has the figures of the side after. */
export interface Changes {
  before: string;
  after: string;
  runs: [number, number];
  rows: ChangeRow[];
}

/** Parts of the header that are as the page uses them. */
interface Facts {
  version: number;
  title: string;
  remarks: string[];
  nodes: number;
  /** Nodes from this one on are estimates from pairs of caller and callee. */
  estimated: number;
  generics: GenericCalls[];
  /** Coroutines, each followed by what it awaits. */
  tasks: TaskRow[];
  changes?: Changes;
}

/** Header of the data: of what follows it has the numbers. */
interface Header extends Facts {
  functions: number;
  files: number;
  exact: number;
  /** Functions that may be callers, and one for roots, which is the last. */
  callers: number;
}

/** Functions and what is known of the profile as a whole. */
export interface Names extends Facts {
  functions: Functions;
  files: SourceFile[];
  exact: ExactRow[];
}

/** Figures of nodes on the side before. */
export interface Before {
  calls: Float64Array;
  self: Float64Array;
  waiting: Float64Array;
}

/** A profile. Times are nanoseconds. */
export interface Profile extends Names {
  depth: Uint32Array;
  function: Uint32Array;
  end: Uint32Array;
  calls: Float64Array;
  self: Float64Array;
  waiting: Float64Array;
  before?: Before;
}

/** Reads the profile from the text of the page's data block. */
export async function readProfile(text: string): Promise<Profile> {
  return decodeProfile(await inflate(text));
}

/** Reads the profile from decompressed bytes. */
export async function decodeProfile(bytes: Uint8Array): Promise<Profile> {
  const reader = new Reader(bytes);
  const header = JSON.parse(reader.text()) as Header;
  const { nodes } = header;
  const names = await readNames(reader, header);
  const shape = await readShape(reader, header);
  const figures = async () => ({
    calls: await reader.figures(nodes),
    self: await reader.figures(nodes),
    waiting: await reader.figures(nodes),
  });
  const profile = { ...header, ...names, ...shape, ...(await figures()) };
  return header.changes ? { ...profile, before: await figures() } : profile;
}

async function readNames(reader: Reader, header: Header) {
  const number = header.functions;
  const functions: Functions = {
    name: await reader.values<string>(number),
    file: await reader.signedColumn(number),
    line: await reader.signedColumn(number),
    role: reader.take(number).slice(),
  };
  const texts = await reader.values<string>(2 * header.files);
  const files: SourceFile[] = [];
  const addFiles = (first: number, last: number) => {
    for (let at = 2 * first; at < 2 * last; at += 2) {
      files.push({ path: texts[at]!, short: texts[at + 1]! });
    }
  };
  await inSteps(inParts(header.files, addFiles, OBJECTS));
  const figures = await reader.values<number>(4 * header.exact);
  const exact: ExactRow[] = [];
  const addRows = (first: number, last: number) => {
    for (let at = 4 * first; at < 4 * last; at += 4) {
      exact.push({
        function: figures[at]!,
        calls: figures[at + 1]!,
        self: figures[at + 2]!,
        total: figures[at + 3]!,
      });
    }
  };
  await inSteps(inParts(header.exact, addRows, OBJECTS));
  return { functions, files, exact };
}

/** Nodes whose shape is read without a pause. */
const PART = 1 << 18;

/** Reads the depths and functions of nodes, and where their callees end. */
async function readShape(reader: Reader, { nodes, callers }: Header) {
  // Numbers of callees, and callees by the distance from their callers.
  const numbers = await reader.column(new Uint32Array(callers));
  const starts = new Uint32Array(callers + 1);
  for (let caller = 0; caller < callers; caller++) {
    starts[caller + 1] = starts[caller]! + numbers[caller]!;
  }
  const callees = new Uint32Array(starts[callers]!);
  const read = (first: number, last: number) => {
    for (let caller = first; caller < last; caller++) {
      for (let at = starts[caller]!; at < starts[caller + 1]!; at++) {
        callees[at] = caller + reader.signed();
      }
    }
  };
  await inSteps(inParts(callers, read));
  // Steps up from the node before, which become depths, and places among callees, which become
  // functions.
  const depth = await reader.column(new Uint32Array(nodes));
  const fn = await reader.column(new Uint32Array(nodes));
  const end = new Uint32Array(nodes).fill(nodes);
  const open: number[] = [];
  for (let node = 0; node < nodes; node++) {
    if (node % PART === PART - 1) await pause();
    for (let steps = depth[node]!; steps > 0; steps--) end[open.pop()!] = node;
    const caller = open.length > 0 ? fn[open[open.length - 1]!]! : callers - 1;
    depth[node] = open.length;
    fn[node] = callees[starts[caller]! + fn[node]!]!;
    open.push(node);
  }
  return { depth, function: fn, end };
}

/** Returns the roles of functions that the tree has, and if anything waited. */
export function* occurring(profile: Profile): Steps<{ roles: Set<Role>; hasWaiting: boolean }> {
  const { functions, function: column, waiting } = profile;
  const isSeen = new Uint8Array(functions.name.length);
  let hasWaiting = false;
  const look = (first: number, last: number) => {
    for (let node = first; node < last; node++) {
      isSeen[column[node]!] = 1;
      if (waiting[node]! > 0) hasWaiting = true;
    }
  };
  yield* inParts(profile.nodes, look);
  const roles = new Set<Role>();
  const collect = (first: number, last: number) => {
    for (let fn = first; fn < last; fn++) if (isSeen[fn]) roles.add(functions.role[fn]!);
  };
  yield* inParts(isSeen.length, collect);
  return { roles, hasWaiting };
}

/** Returns for each node the first node behind its callees. */
export function ends(depth: Uint32Array): Uint32Array {
  const end = new Uint32Array(depth.length).fill(depth.length);
  const open: number[] = [];
  for (let node = 0; node < depth.length; node++) {
    while (open.length > depth[node]!) end[open.pop()!] = node;
    open.push(node);
  }
  return end;
}

/** Returns `file:line` of a function, without a line that is unknown; nothing where there is no file. */
export function place(profile: Names, fn: number): string {
  const file = profile.files[profile.functions.file[fn]!];
  const line = profile.functions.line[fn]!;
  return file ? (line > 0 ? `${file.short}:${line}` : file.short) : '';
}

/** Returns the name of a function for frames: the body of a module needs its file to be told. */
export function label(profile: Names, fn: number): string {
  const name = profile.functions.name[fn]!;
  const file = profile.files[profile.functions.file[fn]!];
  return file && name.startsWith('<') ? `${name} ${file.short}` : name;
}

/** Returns true if `pattern` matches the name and place of a function. */
export function searchedBy(profile: Names, fn: number, pattern: RegExp): boolean {
  return pattern.test(searched(profile, fn));
}

const searchedTexts = new WeakMap<Functions, string[]>();

/** Returns the text that searches look through. */
export function searched(profile: Names, fn: number): string {
  let texts = searchedTexts.get(profile.functions);
  if (!texts) searchedTexts.set(profile.functions, (texts = []));
  // One by one, because many at once block the page.
  return (texts[fn] ??= `${profile.functions.name[fn]!} ${place(profile, fn)}`.trimEnd());
}
