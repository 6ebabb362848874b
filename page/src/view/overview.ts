// The strip above a zoomed graph: the whole graph, small, and which part of it fills the width.

import { label, Role } from '../data/profile';
import { pathTo, type Frame } from '../model/frames';
import { share } from '../text/numbers';
import { make } from '../ui/dom';
import { finish } from '../work';
import { clear, colourOf } from './canvas';
import { palette, type Palette } from './colours';
import { frameChange, type Shape } from './flame';
import { oncePerFrame } from './frame';
import { layout, type Box } from './layout';

/** A part of the width of the whole graph, from 0 to 1. */
export interface Span {
  from: number;
  to: number;
}

export interface OverviewActions {
  /** Zooms. All steps of a drag but the first are `isDragging`: Back undoes them at once. */
  zoom(path: readonly number[], fn: number, isDragging: boolean): void;
  /** Is called when the strip had the focus and is hidden. */
  leave(): void;
}

export class Overview {
  readonly element: HTMLElement;
  private readonly canvas = make('canvas', { 'aria-hidden': 'true' });
  private readonly mark = make('div', { class: 'mark', 'aria-hidden': 'true' });
  private shape: Shape | null = null;
  private focus: Frame | null = null;
  private rows: Box[][] = [];
  private colours: Palette | null = null;
  private readonly redraw = oncePerFrame(() => this.draw());
  /** Distance from the pointer to the middle of the mark, and the row, while it is dragged. */
  private drag: { offset: number; depth: number; isMoved: boolean } | null = null;

  constructor(private readonly actions: OverviewActions) {
    this.element = make(
      'div',
      {
        class: 'overview',
        role: 'slider',
        tabindex: 0,
        hidden: true,
        title: 'The whole graph; drag the marked part',
        'aria-label': 'Part of the whole graph that fills the width; arrows move it',
        'aria-valuemin': 0,
        'aria-valuemax': 100,
        pointerdown: (event: PointerEvent) => this.press(event),
        pointermove: (event: PointerEvent) => this.move(event),
        pointerup: () => (this.drag = null),
        pointercancel: () => (this.drag = null),
        keydown: (event: KeyboardEvent) => this.key(event),
      },
      this.canvas,
      this.mark,
    );
    new ResizeObserver(() => this.place()).observe(this.element);
  }

  /** Shows the whole of the graph that `shape` shows a part of; `focus` fills the width there. */
  show(shape: Shape, focus: Frame): void {
    const was = this.shape;
    const isOther =
      was?.graph !== shape.graph ||
      was.growsUp !== shape.growsUp ||
      was.matches !== shape.matches ||
      this.element.hidden;
    this.shape = shape;
    this.focus = focus;
    const hadFocus = document.activeElement === this.element;
    this.element.hidden = focus.parent === null;
    if (this.element.hidden) {
      this.drag = null;
      if (hadFocus) this.actions.leave();
      return;
    }
    if (isOther) this.place();
    this.moveMark(shape, focus);
  }

  recolour(): void {
    this.colours = null;
    // At once, because printing does not wait.
    this.draw();
  }

  private moveMark({ graph, selection }: Shape, focus: Frame): void {
    const { from, to } = spanOf(focus);
    const { style } = this.mark;
    style.left = `${100 * from}%`;
    style.width = `${100 * (to - from)}%`;
    const { profile } = selection;
    const name = label(profile, focus.fn);
    const { weight } = graph.root;
    const text = `${name}, ${share(from * weight, weight)} to ${share(to * weight, weight)}`;
    this.element.setAttribute('aria-valuenow', (100 * from).toFixed(0));
    this.element.setAttribute('aria-valuetext', text);
  }

  private place(): void {
    const { shape, element } = this;
    if (!shape || element.clientWidth === 0) return;
    this.rows = finish(layout(shape.graph, shape.graph.root, element.clientWidth));
    this.redraw();
  }

  private draw(): void {
    const { shape, element, rows } = this;
    if (!shape || element.clientWidth === 0) return;
    const colours = (this.colours ??= palette());
    const [width, height] = [element.clientWidth, element.clientHeight];
    const context = clear(this.canvas, colours, { width, height });
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    const { matches, growsUp, selection } = shape;
    const { role } = selection.profile.functions;
    // The strip has no room for the ends of deep calls.
    const high = Math.max(1, Math.min(height / rows.length, 8));
    const number = Math.min(rows.length, Math.ceil(height / high));
    for (let at = 0; at < number; at++) {
      // Rows end where pixels do, so that their colours are not mixed with the background.
      const [from, to] = [Math.round(at * high), Math.round((at + 1) * high)];
      const y = growsUp ? height - to : from;
      for (const box of rows[at]!) {
        const { fn } = box.frame;
        const match = matches && fn >= 0 ? matches[fn] === 1 : null;
        const change = frameChange(shape, box.frame);
        const fill = { isAbove: false, match, change, role: role[fn] ?? Role.Other };
        context.fillStyle = colourOf(fn, fill, colours);
        context.fillRect(box.x, y, Math.max(box.width, 0.5), to - from);
      }
    }
  }

  private press(event: PointerEvent): void {
    const { focus } = this;
    if (!focus || event.button !== 0) return;
    this.element.setPointerCapture(event.pointerId);
    const { from, to } = spanOf(focus);
    const at = this.fraction(event);
    const isOnMark = event.target === this.mark;
    const offset = isOnMark ? (from + to) / 2 - at : 0;
    this.drag = { offset, depth: focus.depth, isMoved: false };
    if (!isOnMark) this.move(event);
  }

  private move(event: PointerEvent): void {
    const { drag, shape } = this;
    if (!drag || !shape) return;
    const to = this.fraction(event) + drag.offset;
    this.zoomTo(frameAt(shape.graph.root, to, drag.depth), drag.isMoved);
  }

  private zoomTo(frame: Frame | null | undefined, isDragging = false): void {
    if (!frame?.parent || frame === this.focus) return;
    if (this.drag) this.drag.isMoved = true;
    this.actions.zoom(pathTo(frame), frame.fn, isDragging);
  }

  private fraction(event: PointerEvent): number {
    const { left, width } = this.element.getBoundingClientRect();
    return (event.clientX - left) / Math.max(width, 1);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.focus) return;
    const isUp = this.shape?.growsUp === true;
    const row = this.rows[this.focus.depth] ?? [];
    switch (event.key) {
      case 'ArrowLeft':
      case 'ArrowRight':
        this.zoomTo(beside(row, this.focus, event.key === 'ArrowLeft' ? -1 : 1));
        break;
      case 'Home':
        this.zoomTo(row[0]?.frame);
        break;
      case 'End':
        this.zoomTo(row[row.length - 1]?.frame);
        break;
      case isUp ? 'ArrowDown' : 'ArrowUp': {
        const { parent } = this.focus;
        if (parent) this.actions.zoom(pathTo(parent), parent.fn, false);
        break;
      }
      case isUp ? 'ArrowUp' : 'ArrowDown':
        this.zoomTo(this.focus.next?.[0]);
        break;
      default:
        return;
    }
    event.preventDefault();
  }
}

/** Returns the part of the whole width that a frame has. */
export function spanOf(frame: Frame): Span {
  let before = 0;
  let root = frame;
  for (; root.parent; root = root.parent) {
    for (const sibling of root.parent.next!) {
      if (sibling === root) break;
      before += sibling.weight;
    }
  }
  const whole = Math.max(root.weight, 1);
  return { from: before / whole, to: (before + frame.weight) / whole };
}

/** Returns the frame of row `depth` at a place from 0 to 1, or the deepest one if there is none. */
export function frameAt(root: Frame, place: number, depth: number): Frame {
  let left = Math.max(0, Math.min(place, 1 - 1e-9)) * root.weight;
  let frame = root;
  while (frame.depth < depth) {
    const callee: Frame | undefined = frame.next?.find(next => {
      if (left < next.weight) return true;
      left -= next.weight;
      return false;
    });
    if (!callee) break;
    frame = callee;
  }
  return frame;
}

/** Returns the next frame of a row on one side; those that are too narrow to be seen are none. */
function beside(row: readonly Box[], frame: Frame, side: -1 | 1): Frame | undefined {
  const at = row.findIndex(box => box.frame === frame);
  if (at >= 0) return row[at + side]?.frame;
  const { from } = spanOf(frame);
  const after = row.findIndex(box => spanOf(box.frame).from > from);
  const next = after < 0 ? row.length : after;
  return row[side > 0 ? next : next - 1]?.frame;
}
