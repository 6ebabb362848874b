// Lanes of threads on a canvas: one row for each depth of calls, against time.

import { label, Role, type Profile } from '../data/profile';
import { firstFrom, nsAt, type Lane, type Timeline } from '../data/timeline';
import { marksOf, type SingleCalls } from '../model/calls';
import { Shown } from '../model/selection';
import { clear, Texts } from './canvas';
import { shade, type Palette } from './colours';

export const ROW = 17;
const HEAD = 20;
const GAP = 6;
const AXIS = 22;
const PADDING = 3;

/** Part of the run that is in sight, nanoseconds. */
export interface Sight {
  from: number;
  to: number;
}

export interface LanePlace {
  lane: Lane;
  top: number;
  rows: number;
  isOpen: boolean;
}

export interface Scene {
  profile: Profile;
  timeline: Timeline;
  sight: Sight;
  range: Sight | null;
  matches: Uint8Array | null;
  /** For each node of the page if it is shown; calls of those that are not are dim. */
  shown: Uint8Array | null;
  chosen: number;
  /** Calls of the chosen function. */
  calls: SingleCalls | null;
  places: readonly LanePlace[];
}

/** Places the lanes below each other. Those that are not open show a few rows. */
export function placeLanes(lanes: readonly Lane[], isOpen: (lane: Lane) => boolean): LanePlace[] {
  let top = AXIS;
  const few = lanes.length > 1 ? 12 : 40;
  return lanes.map(lane => {
    const open = isOpen(lane);
    const rows = Math.min(lane.levels.length, open ? Infinity : few);
    const place = { lane, top, rows, isOpen: open || lane.levels.length <= few };
    top += HEAD + rows * ROW + GAP;
    return place;
  });
}

export function heightOf(places: readonly LanePlace[]): number {
  const last = places[places.length - 1];
  return last ? last.top + HEAD + last.rows * ROW + GAP : AXIS;
}

/** Returns the lane at `y` and the row in it: -1 is its head. */
export function rowAt(
  places: readonly LanePlace[],
  y: number,
): { place: LanePlace; row: number } | null {
  const place = places.find(of => y >= of.top && y < of.top + HEAD + of.rows * ROW);
  if (!place) return null;
  return { place, row: Math.floor((y - place.top - HEAD) / ROW) };
}

/** Returns the slice of a row at a time, or within `near` nanoseconds of it. */
export function sliceAt(lane: Lane, row: number, ns: number, near: number): number | null {
  const level = lane.levels[row];
  if (!level) return null;
  const { process, begin, ticks } = lane;
  const tick = (ns - process.zeroNs) / process.perTick;
  const slack = near / process.perTick;
  const at = firstFrom(level.length, i => begin[level[i]!]! + ticks[level[i]!]!, tick - slack);
  const slice = level[at];
  return slice !== undefined && begin[slice]! <= tick + slack ? slice : null;
}

export function draw(
  canvas: HTMLCanvasElement,
  scene: Scene,
  palette: Palette,
  view: { width: number; height: number; top: number },
): void {
  const context = clear(canvas, palette, view);
  const texts = new Texts(context);
  for (const place of scene.places) {
    const top = place.top - view.top;
    if (top > view.height || top + HEAD + place.rows * ROW < AXIS) continue;
    drawLane(context, texts, place, top, scene, palette, view);
  }
  drawAxis(context, scene, palette, view.width);
  drawRange(context, scene, palette, view);
}

function drawLane(
  context: CanvasRenderingContext2D,
  texts: Texts,
  { lane, rows, isOpen }: LanePlace,
  top: number,
  scene: Scene,
  palette: Palette,
  view: { width: number; height: number },
): void {
  context.fillStyle = palette.panel;
  context.fillRect(0, top, view.width, HEAD - 1);
  context.fillStyle = palette.textOnPage;
  const more = lane.levels.length - rows;
  const hidden = isOpen ? '' : ` (${more} deeper rows: click to show)`;
  const title = `${laneName(scene.timeline, lane)}${hidden}`;
  context.fillText(texts.beginning(title, view.width - 2 * PADDING), PADDING, top + HEAD / 2);
  for (let row = 0; row < rows; row++) {
    const y = top + HEAD + row * ROW;
    if (y + ROW < AXIS || y > view.height) continue;
    drawRow(context, texts, lane, row, y, scene, palette, view.width);
  }
  drawMarks(context, scene, lane, top, palette, view.width);
}

/** Returns the slices of a row that are drawn if a tick takes `scale` pixels and `first` is at 0. */
export function* slicesInSight(
  { begin, ticks }: Pick<Lane, 'begin' | 'ticks'>,
  level: ArrayLike<number>,
  first: number,
  scale: number,
  width: number,
): Generator<number> {
  let at = firstFrom(level.length, i => begin[level[i]!]! + ticks[level[i]!]!, first);
  while (at < level.length) {
    const slice = level[at]!;
    const x = (begin[slice]! - first) * scale;
    if (x > width) break;
    yield slice;
    if (ticks[slice]! * scale >= 1) {
      at++;
    } else {
      // Of those that begin within the same pixel, the last one alone may end behind it.
      const next = first + (Math.floor(x) + 1) / scale;
      const rest = firstFrom(level.length - at - 1, i => begin[level[at + 1 + i]!]!, next);
      at += Math.max(1, rest);
    }
  }
}

function drawRow(
  context: CanvasRenderingContext2D,
  texts: Texts,
  lane: Lane,
  row: number,
  y: number,
  scene: Scene,
  palette: Palette,
  width: number,
): void {
  const { process, begin, ticks, node } = lane;
  const level = lane.levels[row]!;
  const first = (scene.sight.from - process.zeroNs) / process.perTick;
  const scale = (width * process.perTick) / (scene.sight.to - scene.sight.from);
  const { role } = scene.profile.functions;
  const { range } = scene;
  const tick = (ns: number) => (ns - process.zeroNs) / process.perTick;
  const [begins, last] = range ? [tick(range.from), tick(range.to)] : [-Infinity, Infinity];
  for (const slice of slicesInSight(lane, level, first, scale, width)) {
    const x = (begin[slice]! - first) * scale;
    const wide = ticks[slice]! * scale;
    const fn = process.fn[node[slice]!]!;
    const isMatch = scene.matches !== null && scene.matches[fn] === 1;
    const isChosen = fn === scene.chosen;
    const is = scene.shown?.[process.place[node[slice]!]!];
    const isLeftOut = is !== undefined && is !== Shown.Yes;
    const isOutside = begin[slice]! >= last || begin[slice]! + ticks[slice]! <= begins;
    const isDim = isLeftOut || isOutside || (scene.matches !== null && !isMatch);
    context.fillStyle =
      isMatch && !isLeftOut && !isOutside
        ? palette.match
        : isDim
          ? palette.dim
          : palette.roles[role[fn] ?? Role.Other]![shade(fn)]!;
    const left = Math.max(x, 0);
    const right = Math.min(x + wide, width);
    const shown = Math.max(right - left - (right - left > 3 ? 1 : 0), 1);
    context.fillRect(left, y, shown, ROW - 1);
    if (right - left >= 24) {
      context.fillStyle = isDim ? palette.dimText : palette.text;
      const text = texts.beginning(label(scene.profile, fn), shown - 2 * PADDING);
      if (text) context.fillText(text, left + PADDING, y + ROW / 2);
    }
    if (isChosen && shown > 2) {
      context.strokeStyle = palette.cursor;
      context.lineWidth = 2;
      context.strokeRect(left + 1, y + 1, Math.max(shown - 2, 0.5), ROW - 3);
    }
  }
}

/** Marks the calls of the chosen function in the lane's head, so that short ones are seen. */
function drawMarks(
  context: CanvasRenderingContext2D,
  { sight, calls }: Scene,
  lane: Lane,
  top: number,
  palette: Palette,
  width: number,
): void {
  if (!calls) return;
  context.fillStyle = palette.match;
  for (const [x, end] of marksOf(calls, lane, sight, width)) {
    context.fillRect(x, top + HEAD - 5, Math.max(end - x, 2), 4);
  }
}

function drawRange(
  context: CanvasRenderingContext2D,
  { sight, range }: Scene,
  palette: Palette,
  view: { width: number; height: number },
): void {
  if (!range) return;
  const scale = view.width / (sight.to - sight.from);
  const left = (range.from - sight.from) * scale;
  const right = (range.to - sight.from) * scale;
  // Calls outside are dim; the axis has the range as a bar.
  context.fillStyle = palette.match;
  const first = Math.max(0, left);
  context.fillRect(first, AXIS - 3, Math.min(view.width, right) - first, 3);
  context.fillStyle = palette.cursor;
  for (const x of [left, right]) context.fillRect(x - 0.5, 0, 1.5, view.height);
}

function drawAxis(
  context: CanvasRenderingContext2D,
  { sight }: Scene,
  palette: Palette,
  width: number,
): void {
  context.fillStyle = palette.panel;
  context.fillRect(0, 0, width, AXIS);
  const wide = sight.to - sight.from;
  const step = tickStep(wide / Math.max(2, width / 110));
  context.fillStyle = palette.textOnPage;
  for (let at = Math.ceil(sight.from / step) * step; at <= sight.to; at += step) {
    const x = ((at - sight.from) / wide) * width;
    context.fillRect(x, AXIS - 6, 1, 6);
    context.fillText(axisText(at, step), x + 3, AXIS / 2 - 1);
  }
}

/** Returns the least of 1, 2 and 5 times a power of ten that is `least` or more. */
function tickStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  return [1, 2, 5, 10].map(of => of * power).find(step => step >= least)!;
}

/** Returns a time in seconds, with as many decimals as `step` needs. */
export function axisText(ns: number, step: number): string {
  const decimals = Math.min(9, Math.max(0, Math.ceil(9 - Math.log10(Math.max(step, 1)))));
  return `${(ns / 1e9).toFixed(decimals)} s`;
}

export function laneName({ processes }: Timeline, lane: Lane): string {
  const name = lane.name || 'thread';
  return processes.length > 1 ? `${name}, ${lane.process.name}` : name;
}

/** Returns begin and end of a slice, nanoseconds on the axis. */
export function timesOf({ process, begin, ticks }: Lane, slice: number): Sight {
  const from = nsAt(process, begin[slice]!);
  return { from, to: from + ticks[slice]! * process.perTick };
}
