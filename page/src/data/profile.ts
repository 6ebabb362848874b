// The profile as columns. Nodes are in depth-first order, so that the callees of node `n`, at any
// depth, are the nodes from `n + 1` to `end[n]`. Every walk is a loop over a range.

import { Reader, fromBase64, inflate } from './decode';

/** Parts that a function has in the program. The numbers are those of src/report/page/encode.rs. */
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
  file: number[];
  line: number[];
  role: Role[];
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

/** Header of the data. */
export interface Header {
  version: number;
  title: string;
  remarks: string[];
  nodes: number;
  /** Nodes from this one on are estimates from pairs of caller and callee. */
  estimated: number;
  functions: Functions;
  files: { path: string; short: string }[];
  generics: GenericCalls[];
  exact: ExactRow[];
}

/** A profile. Times are nanoseconds. */
export interface Profile extends Header {
  depth: Uint32Array;
  function: Uint32Array;
  end: Uint32Array;
  calls: Float64Array;
  self: Float64Array;
  waiting: Float64Array;
}

/** Reads the profile from the text of the page's data block. */
export async function readProfile(text: string): Promise<Profile> {
  return decodeProfile(await inflate(fromBase64(text.trim())));
}

/** Reads the profile from decompressed bytes. */
export function decodeProfile(bytes: Uint8Array): Profile {
  const reader = new Reader(bytes);
  const header = JSON.parse(reader.text()) as Header;
  const { nodes } = header;
  const depth = reader.column(new Uint32Array(nodes));
  return {
    ...header,
    depth,
    function: reader.column(new Uint32Array(nodes)),
    calls: reader.column(new Float64Array(nodes)),
    self: reader.column(new Float64Array(nodes)),
    waiting: reader.column(new Float64Array(nodes)),
    end: ends(depth),
  };
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

/** Returns `file:line` of a function; nothing where there is no file. */
export function place(profile: Header, fn: number): string {
  const file = profile.files[profile.functions.file[fn]!];
  return file ? `${file.short}:${profile.functions.line[fn]}` : '';
}

/** Returns the name of a function for frames: the body of a module needs its file to be told. */
export function label(profile: Header, fn: number): string {
  const name = profile.functions.name[fn]!;
  const file = profile.files[profile.functions.file[fn]!];
  return file && name.startsWith('<') ? `${name} ${file.short}` : name;
}

/** Returns the text that searches look through. */
export function searched(profile: Header, fn: number): string {
  return `${profile.functions.name[fn]} ${place(profile, fn)}`.trimEnd();
}
