// One graph of frames: flame graph, icicle, inverted, or half of a sandwich.

import { label, place, Role, type Profile } from '../data/profile';
import { frameFigures } from '../model/call_tree';
import { importName } from '../model/imports';
import { pathTo, type Frame, type Graph } from '../model/frames';
import type { Measure, Selection } from '../model/selection';
import { count, counted, duration, share, signed } from '../text/numbers';
import { svg } from '../text/svg';
import { make } from '../ui/dom';
import type { Tip } from '../ui/tip';
import { colourOf, draw, ROW } from './canvas';
import { finish } from '../work';
import { changeStep, palette, type Palette } from './colours';
import { oncePerFrame } from './frame';
import { boxAt, layout, neighbour, type Box } from './layout';

export interface Shape {
  graph: Graph;
  selection: Selection;
  zoom: readonly number[];
  /** True if the root is at the bottom. */
  growsUp: boolean;
  matches: Uint8Array | null;
  chosen: number;
  /** Text of the root's frame. */
  rootLabel: string;
}

export interface Actions {
  zoom(path: readonly number[], fn: number): void;
  /** Says a frame to people who listen. */
  tell(text: string): void;
}

const DIRECTIONS = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'caller',
  ArrowDown: 'callee',
} as const;

/** A graph on a canvas, which scrolls in its own box. */
export class FlameGraph {
  readonly element: HTMLElement;
  private readonly canvas = make('canvas', { 'aria-hidden': 'true' });
  private readonly spacer = make('div', { class: 'spacer' });
  /** Names of folded imports. */
  private readonly imports = new WeakMap<Frame, string>();
  private shape: Shape | null = null;
  private rows: Box[][] = [];
  private colours: Palette | null = null;
  private hovered: Box | null = null;
  private told: readonly string[] = [];
  private cursor: Box | null = null;
  private readonly redraw = oncePerFrame(() => this.draw());
  /** True if a graph that grows up is scrolled to its root, and so stays when it is resized. */
  private isAtRoot = true;
  /** Height when the boxes were placed. */
  private height = 0;

  constructor(
    name: string,
    private readonly tip: Tip,
    private readonly actions: Actions,
  ) {
    this.element = make(
      'div',
      {
        class: 'graph',
        tabindex: 0,
        role: 'group',
        'aria-roledescription': 'flame graph',
        'aria-label': `${name}; arrows move between frames, Enter zooms`,
        mousemove: (event: MouseEvent) => this.hover(event),
        mouseleave: () => this.leave(),
        click: (event: MouseEvent) => this.zoomTo(this.boxUnder(event)),
        keydown: (event: KeyboardEvent) => this.key(event),
        blur: () => this.moveCursor(null),
        scroll: () => this.scrolled(),
      },
      this.canvas,
      this.spacer,
    );
    new ResizeObserver(() => this.place()).observe(this.element);
  }

  /** Shows `shape`. A graph that grows up is scrolled to its root. */
  show(shape: Shape): void {
    const isOther = this.shape?.graph !== shape.graph || this.shape.growsUp !== shape.growsUp;
    this.shape = shape;
    this.cursor = this.hovered = null;
    this.tip.hide();
    this.place();
    if (isOther) this.toRoot();
  }

  /** Returns the graph as a picture. */
  picture(): string {
    const { shape, rows, element } = this;
    if (!shape) return '';
    const colours = (this.colours ??= palette());
    const { role } = shape.selection.profile.functions;
    const boxes = rows.flatMap((row, index) =>
      row.map(box => {
        const name = this.name(box.frame);
        const title = describe(shape, box.frame, name).join('\n');
        const { fn } = box.frame;
        const fill = {
          isAbove: box.isAbove,
          match: shape.matches && fn >= 0 ? shape.matches[fn] === 1 : null,
          change: frameChange(shape, box.frame),
          role: role[fn] ?? Role.Other,
        };
        const mark = changeMark(shape, box.frame);
        return { box, row: index, colour: colourOf(fn, fill, colours), name: mark + name, title };
      }),
    );
    return svg(boxes, rows.length, element.clientWidth, shape.growsUp, colours);
  }

  /** Reads the colours again. */
  recolour(): void {
    this.colours = null;
    // At once, because printing does not wait.
    this.draw();
  }

  private place(): void {
    const { shape, element } = this;
    if (!shape || element.clientWidth === 0) return;
    this.height = element.clientHeight;
    const { graph } = shape;
    const focus = finish(graph.find(shape.zoom));
    this.rows = finish(layout(graph, focus, element.clientWidth));
    this.spacer.style.height = `${Math.max(this.rows.length * ROW, 1)}px`;
    if (this.isAtRoot) this.toRoot();
    this.redraw();
  }

  private toRoot(): void {
    const { element, shape } = this;
    element.scrollTop = shape?.growsUp ? element.scrollHeight : 0;
    this.isAtRoot = shape?.growsUp === true;
  }

  private scrolled(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    // A change of height scrolls too, and is dealt with when the boxes are placed again.
    if (clientHeight === this.height) {
      const isAtEnd = scrollTop + clientHeight >= scrollHeight - 2;
      this.isAtRoot = this.shape?.growsUp === true && isAtEnd;
    }
    this.redraw();
  }

  private draw(): void {
    const { shape, element, canvas, rows } = this;
    if (!shape || element.clientWidth === 0) return;
    this.colours ??= palette();
    const { functions } = shape.selection.profile;
    const { clientWidth: width, clientHeight: height, scrollTop: top } = element;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    draw(
      canvas,
      rows,
      {
        palette: this.colours,
        role: fn => functions.role[fn]!,
        labels: box => this.labels(shape, box.frame),
        change: box => frameChange(shape, box.frame),
        matches: shape.matches,
        chosen: shape.chosen,
        hovered: this.hovered,
        cursor: this.cursor,
      },
      { width, height, top, y: row => this.y(row) },
    );
  }

  private y(row: number): number {
    const { rows, element, shape } = this;
    if (!shape?.growsUp) return row * ROW;
    return Math.max(element.clientHeight, rows.length * ROW) - (row + 1) * ROW;
  }

  private name(frame: Frame): string {
    const { selection, rootLabel } = this.shape!;
    if (frame.fn < 0) return rootLabel;
    const { profile, choice } = selection;
    const isFolded = choice.imports && profile.functions.role[frame.fn] === Role.Import;
    return (isFolded && this.importName(profile, frame)) || label(profile, frame.fn);
  }

  /** Returns what may stand on a frame: the name with its place, and the name alone. */
  private labels(shape: Shape, frame: Frame): string[] {
    const { profile } = shape.selection;
    const name = this.name(frame);
    const mark = changeMark(shape, frame);
    const isFunction = frame.fn >= 0 && name === label(profile, frame.fn);
    const at = isFunction ? place(profile, frame.fn) : '';
    return at ? [`${mark}${profile.functions.name[frame.fn]!}  ${at}`, mark + name] : [mark + name];
  }

  private importName(profile: Profile, frame: Frame): string {
    let name = this.imports.get(frame);
    if (name === undefined) {
      name = this.shape!.graph.direction === 'callees' ? importName(profile, frame.nodes) : '';
      this.imports.set(frame, name);
    }
    return name;
  }

  private rowOf(box: Box): number {
    return box.frame.depth;
  }

  private boxUnder(event: MouseEvent): Box | undefined {
    const { left, top } = this.element.getBoundingClientRect();
    const y = event.clientY - top - this.element.clientTop + this.element.scrollTop;
    const high = Math.max(this.element.clientHeight, this.rows.length * ROW);
    const row = Math.floor((this.shape?.growsUp ? high - y : y) / ROW);
    const boxes = this.rows[row];
    return boxes && boxAt(boxes, event.clientX - left - this.element.clientLeft);
  }

  private hover(event: MouseEvent): void {
    const box = this.boxUnder(event) ?? null;
    if (box !== this.hovered) {
      this.hovered = box;
      this.told = box ? describe(this.shape!, box.frame, this.name(box.frame)) : [];
      this.redraw();
    }
    this.element.classList.toggle('on-frame', box !== null);
    if (box) this.tip.show(this.told, event.clientX, event.clientY);
    else this.tip.hide();
  }

  private leave(): void {
    this.hovered = null;
    this.tip.hide();
    this.redraw();
  }

  private zoomTo(box: Box | undefined | null): void {
    if (box) this.actions.zoom(pathTo(box.frame), box.frame.fn);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this.zoomTo(this.cursor);
      return;
    }
    let direction = DIRECTIONS[event.key as keyof typeof DIRECTIONS];
    if (!direction) return;
    event.preventDefault();
    if (this.shape?.growsUp && (direction === 'caller' || direction === 'callee')) {
      direction = direction === 'caller' ? 'callee' : 'caller';
    }
    const { cursor, rows } = this;
    const first = rows.find(row => !row[0]?.isAbove)?.[0];
    const next = cursor ? neighbour(rows, this.rowOf(cursor), cursor, direction) : first;
    if (next) this.moveCursor(next);
  }

  private moveCursor(box: Box | null): void {
    this.cursor = box;
    if (box) {
      const y = this.y(this.rowOf(box));
      const { element } = this;
      if (y < element.scrollTop) element.scrollTop = y;
      if (y + ROW > element.scrollTop + element.clientHeight) {
        element.scrollTop = y + ROW - element.clientHeight;
      }
      this.actions.tell(describe(this.shape!, box.frame, this.name(box.frame)).join('. '));
    }
    this.redraw();
  }
}

const NOUNS: Record<Measure, string> = {
  time: 'of the time',
  before: 'of the time before',
  running: 'of the time on a processor',
  waiting: 'of the waiting',
  calls: 'of the calls',
};

/** Returns what is known of a frame, line by line. */
export function describe(shape: Shape, frame: Frame, name: string): string[] {
  const { selection, graph } = shape;
  const { profile, choice } = selection;
  const amount = choice.measure === 'calls' ? count(frame.weight) : duration(frame.weight);
  const part = `${share(frame.weight, selection.whole)} ${NOUNS[choice.measure]}: ${amount}`;
  if (frame.fn < 0) return [name, part];
  const lines = [name, place(profile, frame.fn) || kind(profile, frame.fn), part];
  if (graph.direction === 'callers') {
    const callee = frame.parent && frame.parent.fn >= 0 ? frame.parent.fn : -1;
    if (callee >= 0) lines.push(`on the way to ${profile.functions.name[callee]}`);
  } else {
    const { calls, self, total, waiting } = frameFigures(selection, frame);
    lines.push(
      `total ${duration(total)}, self ${duration(self)}` +
        (waiting > 0 ? `, of that waiting ${duration(waiting)}` : ''),
      `${counted(calls, 'call', 'calls')} on this path`,
    );
    if (selection.before) {
      const before = {
        self: sumOf(frame.nodes, selection.before.self),
        calls: sumOf(frame.nodes, selection.before.calls),
      };
      lines.push(
        `before: self ${duration(before.self)}, ` + counted(before.calls, 'call', 'calls'),
        `change of self time: ${signed(frame.growth)}`,
      );
    }
  }
  if (Array.prototype.some.call(frame.nodes, (node: number) => node >= profile.estimated)) {
    lines.push('An estimate: the recording has pairs of caller and callee only');
  }
  return lines.filter(line => line !== '');
}

/** Returns the colour of a frame's change of self time; `null` where nothing is compared. */
export function frameChange({ selection, graph }: Shape, frame: Frame): number | null {
  const { before, wholeTime } = selection;
  if (!before) return null;
  // Beside a function are its callers, whose own change is not on the way to it.
  if (graph.direction === 'callers' && frame.depth > 1) return changeStep(0);
  return changeStep(frame.growth / Math.max(wholeTime, 1));
}

/** Returns a sign for people who see few colours. */
function changeMark(shape: Shape, frame: Frame): string {
  const step = frame.fn < 0 ? null : frameChange(shape, frame);
  return step === null || step === 3 ? '' : step > 3 ? '+ ' : '− ';
}

function sumOf(nodes: ArrayLike<number>, column: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < nodes.length; i++) sum += column[nodes[i]!]!;
  return sum;
}

function kind(profile: Profile, fn: number): string {
  return profile.functions.role[fn] === Role.Builtin ? 'builtin' : '';
}
