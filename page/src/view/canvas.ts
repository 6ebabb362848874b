// Draws rows of boxes on a canvas as high as its window onto them, and asks for the labels.

import { Role } from '../data/profile';
import type { Palette } from './colours';
import { shade } from './colours';
import type { Box } from './layout';

export const ROW = 20;
const PADDING = 4;
/** Narrowest box with text, pixels. */
const LEAST_TEXT = 24;

export interface Look {
  palette: Palette;
  role(fn: number): Role;
  /** Texts for a frame, the best first; the beginning of the last if none fits. */
  labels(box: Box): readonly string[];
  /** Colour of a frame that shows a change instead of a role. */
  change(box: Box): number | null;
  /** For each function 1 if the search matches it; `null` without a search. */
  matches: Uint8Array | null;
  chosen: number;
  hovered: Box | null;
  cursor: Box | null;
}

/** Returns the context of an empty canvas of that size, in pixels of the page. */
export function clear(
  canvas: HTMLCanvasElement,
  palette: Palette,
  view: { width: number; height: number },
): CanvasRenderingContext2D {
  const ratio = devicePixelRatio || 1;
  const pixels = [Math.round(view.width * ratio), Math.round(view.height * ratio)] as const;
  if (canvas.width !== pixels[0]) canvas.width = pixels[0];
  if (canvas.height !== pixels[1]) canvas.height = pixels[1];
  const context = canvas.getContext('2d', { alpha: false })!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = palette.back;
  context.fillRect(0, 0, view.width, view.height);
  context.font = '12px system-ui, sans-serif';
  context.textBaseline = 'middle';
  return context;
}

/** Draws `rows` between `top` and `top + height`. `y` gives the place of a row. */
export function draw(
  canvas: HTMLCanvasElement,
  rows: readonly (readonly Box[])[],
  look: Look,
  view: { width: number; height: number; top: number; y: (row: number) => number },
): void {
  const context = clear(canvas, look.palette, view);
  const texts = new Texts(context);
  rows.forEach((row, index) => {
    const y = view.y(index) - view.top;
    if (y > -ROW && y < view.height) {
      for (const box of row) drawBox(context, texts, box, y, look);
    }
  });
}

export interface Fill {
  isAbove: boolean;
  /** True if the search matches, `null` without a search. */
  match: boolean | null;
  change: number | null;
  role: Role;
}

/** Returns the colour of the frame of a function. */
export function colourOf(
  fn: number,
  { isAbove, match, change, role }: Fill,
  palette: Palette,
): string {
  if (match === true) return palette.match;
  if (isAbove || fn < 0 || match === false) return palette.dim;
  if (change !== null) return palette.changes[change]!;
  return palette.roles[role]![shade(fn)]!;
}

function drawBox(
  context: CanvasRenderingContext2D,
  texts: Texts,
  box: Box,
  y: number,
  look: Look,
): void {
  const { palette, matches } = look;
  const { fn } = box.frame;
  const match = matches && fn >= 0 ? matches[fn] === 1 : null;
  const isMatch = match === true;
  const isDim = box.isAbove || fn < 0 || match === false;
  const width = Math.max(box.width - (box.width > 3 ? 1 : 0.2), 0.3);
  const change = isDim || isMatch ? null : look.change(box);
  const role = fn < 0 ? Role.Other : look.role(fn);
  context.fillStyle = colourOf(fn, { isAbove: box.isAbove, match, change, role }, palette);
  context.fillRect(box.x, y, width, ROW - 1);
  if (box.width >= LEAST_TEXT) {
    context.fillStyle = isDim && !isMatch ? palette.dimText : palette.text;
    const text = texts.best(look.labels(box), width - 2 * PADDING);
    if (text) context.fillText(text, box.x + PADDING, y + ROW / 2);
  }
  const isCursor = look.cursor?.frame === box.frame;
  const isChosen = fn >= 0 && fn === look.chosen;
  if (isCursor || isChosen || look.hovered?.frame === box.frame) {
    context.strokeStyle = isCursor || isChosen ? palette.cursor : palette.edge;
    context.lineWidth = isCursor ? 3 : isChosen ? 2 : 1;
    const inset = context.lineWidth / 2;
    context.strokeRect(
      box.x + inset,
      y + inset,
      Math.max(width - 2 * inset, 0.5),
      ROW - 1 - 2 * inset,
    );
  }
}

/** Beginnings of texts that fit. Widths of characters are measured once. */
export class Texts {
  private readonly widths = new Map<string, number>();

  constructor(private readonly context: CanvasRenderingContext2D) {}

  /** Returns the first of `texts` that fits whole, else the beginning of the last. */
  best(texts: readonly string[], room: number): string {
    const whole = texts.find(text => this.beginning(text, room) === text);
    return whole ?? this.beginning(texts[texts.length - 1]!, room);
  }

  beginning(text: string, room: number): string {
    const ellipsis = this.width('…');
    let width = 0;
    // Length of the beginning that has room for an ellipsis behind it.
    let cut = 0;
    let length = 0;
    for (const character of text) {
      width += this.width(character);
      length += character.length;
      if (width + ellipsis <= room) cut = length;
      if (width > room) return cut > 1 ? `${text.slice(0, cut)}…` : '';
    }
    return text;
  }

  private width(character: string): number {
    let width = this.widths.get(character);
    if (width === undefined) {
      width = this.context.measureText(character).width;
      this.widths.set(character, width);
    }
    return width;
  }
}
