// The timeline: lanes of threads, and the single calls of the chosen function.

import { place, type Profile } from '../data/profile';
import { Beginning, rootOf, type Lane, type Timeline } from '../data/timeline';
import { callsOf, durationOf, type SingleCalls } from '../model/calls';
import { Shown, type Selection } from '../model/selection';
import type { State } from '../state';
import { counted, duration } from '../text/numbers';
import { button, make } from '../ui/dom';
import type { Tip } from '../ui/tip';
import type { Steps } from '../work';
import { figureCell } from './cells';
import { palette, type Palette } from './colours';
import { oncePerFrame } from './frame';
import { Grid } from './grid';
import {
  axisText,
  draw,
  heightOf,
  laneName,
  placeLanes,
  rowAt,
  sliceAt,
  timesOf,
  type LanePlace,
  type Sight,
} from './lanes';

export interface TimelineActions {
  change(change: Partial<State>, isTyping: boolean): void;
  tell(text: string): void;
}

/** Shortest time across the window, nanoseconds. */
const SHORTEST = 100;
/** Pixels that a pointer moves before it chooses a range. */
const SLACK = 4;

export class TimelineView {
  readonly element: HTMLElement;
  private readonly canvas = make('canvas', { 'aria-hidden': 'true' });
  private readonly spacer = make('div', { class: 'spacer' });
  private readonly box: HTMLElement;
  private readonly calls: CallList;
  private readonly open = new Set<Lane>();
  private places: LanePlace[] = [];
  private state: State | null = null;
  private matches: Uint8Array | null = null;
  /** For each node of the page if it is shown. */
  private shown: Uint8Array | null = null;
  private found: { fn: number; calls: SingleCalls } | null = null;
  private colours: Palette | null = null;
  private readonly redraw = oncePerFrame(() => this.draw());
  /** Range that the pointer is choosing. */
  private dragged: { start: number; x: number; range: Sight | null } | null = null;

  constructor(
    private readonly profile: Profile,
    private readonly timeline: Timeline,
    private readonly tip: Tip,
    private readonly actions: TimelineActions,
  ) {
    this.box = make(
      'div',
      {
        class: 'graph lanes',
        tabindex: 0,
        role: 'group',
        'aria-roledescription': 'timeline',
        'aria-label':
          'Timeline; arrows left and right move, + and − zoom, Enter makes what is in sight ' +
          'the range of all views',
        scroll: () => this.redraw(),
        wheel: (event: WheelEvent) => this.wheel(event),
        pointerdown: (event: PointerEvent) => this.press(event),
        pointermove: (event: PointerEvent) => this.move(event),
        pointerup: (event: PointerEvent) => this.release(event),
        pointercancel: () => this.cancel(),
        pointerleave: () => this.tip.hide(),
        dblclick: (event: MouseEvent) => this.zoomToSlice(event),
        keydown: (event: KeyboardEvent) => this.key(event),
      },
      this.canvas,
      this.spacer,
    );
    this.calls = new CallList(profile, timeline, call => this.zoomTo(call));
    const controls = make(
      'div',
      { class: 'group controls', role: 'group', 'aria-label': 'Zoom' },
      button('+', () => this.zoom(0.5), { 'aria-label': 'Zoom in', title: 'Zoom in (+)' }),
      button('−', () => this.zoom(2), { 'aria-label': 'Zoom out', title: 'Zoom out (−)' }),
      button('Whole run', () => this.see({ from: 0, to: timeline.end }), { title: '0' }),
      button('Range is what is in sight', () => this.chooseSight(), { title: 'Enter' }),
      make('span', { class: 'hint-text' }, 'Drag to choose a range; Ctrl and the wheel zoom.'),
    );
    const remarks = timeline.remarks.map(remark => make('p', { class: 'remark' }, remark));
    this.element = make(
      'div',
      { class: 'timeline' },
      controls,
      ...remarks,
      this.box,
      this.calls.element,
    );
    new ResizeObserver(() => this.redraw()).observe(this.box);
  }

  /** Finds the calls of the chosen function, then makes what shows them. */
  *making(state: State, selection: Selection, matches: Uint8Array | null): Steps<() => void> {
    const { fn } = state;
    const isFound = this.found?.fn === fn;
    if (!isFound) this.found = fn < 0 ? null : { fn, calls: yield* callsOf(this.timeline, fn) };
    return () => this.show(state, selection, matches);
  }

  private show(state: State, { shown }: Selection, matches: Uint8Array | null): void {
    this.state = state;
    this.matches = matches;
    if (this.shown !== shown) {
      this.shown = shown;
      this.place();
    }
    this.calls.show(state.fn, this.found?.calls ?? null);
    this.redraw();
  }

  recolour(): void {
    this.colours = null;
    // At once, because printing does not wait.
    this.draw();
  }

  private get sight(): Sight {
    const { t0, t1 } = this.state!;
    const { end } = this.timeline;
    return t1 > t0 ? { from: t0, to: t1 } : { from: 0, to: Math.max(end, SHORTEST) };
  }

  private get range(): Sight | null {
    const { from, to } = this.state!;
    return this.dragged?.range ?? (to > from ? { from, to } : null);
  }

  private draw(): void {
    const { box, canvas, state } = this;
    if (!state || box.clientWidth === 0) return;
    this.colours ??= palette();
    const { clientWidth: width, clientHeight: height, scrollTop: top } = box;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    this.spacer.style.height = `${heightOf(this.places)}px`;
    draw(
      canvas,
      {
        profile: this.profile,
        timeline: this.timeline,
        sight: this.sight,
        range: this.range,
        matches: this.matches,
        shown: this.shown,
        chosen: state.fn,
        calls: this.found?.calls ?? null,
        places: this.places,
      },
      this.colours,
      { width, height, top },
    );
  }

  /** Shows a part of the run, within its limits. */
  private see(sight: Sight, isTyping = false): void {
    const end = Math.max(this.timeline.end, SHORTEST);
    const wide = Math.min(Math.max(sight.to - sight.from, SHORTEST), end);
    const from = Math.round(Math.min(Math.max(sight.from, 0), end - wide));
    const to = Math.round(from + wide);
    const isWhole = from <= 0 && to >= end;
    this.actions.change(isWhole ? { t0: 0, t1: 0 } : { t0: from, t1: to }, isTyping);
    this.actions.tell(`From ${axisText(from, wide / 1000)} to ${axisText(to, wide / 1000)}`);
  }

  private zoom(by: number, at = 0.5, isTyping = false): void {
    const { from, to } = this.sight;
    const wide = (to - from) * by;
    const fixed = from + (to - from) * at;
    this.see({ from: fixed - wide * at, to: fixed + wide * (1 - at) }, isTyping);
  }

  private zoomTo({ from, to }: Sight): void {
    const margin = (to - from) * 0.1;
    this.see({ from: from - margin, to: to + margin });
  }

  private pan(by: number, isTyping = false): void {
    const { from, to } = this.sight;
    const step = (to - from) * by;
    this.see({ from: from + step, to: to + step }, isTyping);
  }

  private chooseSight(): void {
    const { from, to } = this.sight;
    this.choose({ from, to });
  }

  private choose({ from, to }: Sight): void {
    const { end } = this.timeline;
    const [first, last] = [Math.max(0, Math.round(from)), Math.min(end, Math.round(to))];
    const isWhole = first <= 0 && last >= end;
    this.actions.change(isWhole ? { from: 0, to: 0 } : { from: first, to: last }, false);
  }

  private x(event: MouseEvent): number {
    return event.clientX - this.box.getBoundingClientRect().left - this.box.clientLeft;
  }

  private nsAt(event: MouseEvent): number {
    const { from, to } = this.sight;
    return from + (this.x(event) / this.box.clientWidth) * (to - from);
  }

  private under(event: MouseEvent): { place: LanePlace; row: number; slice: number | null } | null {
    const { top } = this.box.getBoundingClientRect();
    const y = event.clientY - top - this.box.clientTop + this.box.scrollTop;
    const at = rowAt(this.places, y);
    if (!at) return null;
    const { from, to } = this.sight;
    const near = (to - from) / this.box.clientWidth;
    return { ...at, slice: sliceAt(at.place.lane, at.row, this.nsAt(event), near) };
  }

  private wheel(event: WheelEvent): void {
    const isSide = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (event.ctrlKey || event.metaKey) {
      this.zoom(1.002 ** event.deltaY, this.x(event) / this.box.clientWidth, true);
    } else if (isSide) {
      this.pan((event.deltaX || event.deltaY) / this.box.clientWidth, true);
    } else return;
    event.preventDefault();
  }

  private press(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.dragged = { start: this.nsAt(event), x: this.x(event), range: null };
    this.box.setPointerCapture(event.pointerId);
  }

  private move(event: PointerEvent): void {
    const { dragged } = this;
    if (dragged && (dragged.range || Math.abs(this.x(event) - dragged.x) > SLACK)) {
      const at = this.nsAt(event);
      dragged.range = { from: Math.min(dragged.start, at), to: Math.max(dragged.start, at) };
      const { from, to } = dragged.range;
      this.tip.show([duration(to - from)], event.clientX, event.clientY);
      this.redraw();
      return;
    }
    const at = this.under(event);
    if (!at || at.slice === null) this.tip.hide();
    else this.tip.show(this.describe(at.place.lane, at.slice), event.clientX, event.clientY);
  }

  private release(event: PointerEvent): void {
    const { dragged } = this;
    this.dragged = null;
    if (!dragged) return;
    if (dragged.range) {
      this.choose(dragged.range);
      return;
    }
    const at = this.under(event);
    if (!at) return;
    if (at.slice !== null) {
      const { process, node } = at.place.lane;
      this.actions.change({ fn: process.fn[node[at.slice]!]! }, false);
    } else if (at.row < 0) this.toggle(at.place.lane);
  }

  private cancel(): void {
    this.dragged = null;
    this.redraw();
  }

  private toggle(lane: Lane): void {
    if (!this.open.delete(lane)) this.open.add(lane);
    this.place();
    this.redraw();
  }

  /** Places the lanes of threads that are not left out. */
  private place(): void {
    const { shown } = this;
    const lanes = this.timeline.lanes.filter(lane => {
      const root = rootOf(lane);
      return root < 0 || shown?.[root] !== Shown.LeftOut;
    });
    this.places = placeLanes(lanes, lane => this.open.has(lane));
  }

  private zoomToSlice(event: MouseEvent): void {
    const at = this.under(event);
    if (at && at.slice !== null) this.zoomTo(timesOf(at.place.lane, at.slice));
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const acts: Record<string, () => void> = {
      ArrowLeft: () => this.pan(-0.25, true),
      ArrowRight: () => this.pan(0.25, true),
      '+': () => this.zoom(0.5),
      '=': () => this.zoom(0.5),
      '-': () => this.zoom(2),
      '−': () => this.zoom(2),
      '0': () => this.see({ from: 0, to: this.timeline.end }),
      Enter: () => this.chooseSight(),
    };
    const act = acts[event.key];
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  }

  private describe(lane: Lane, slice: number): string[] {
    const fn = lane.process.fn[lane.node[slice]!]!;
    const { from, to } = timesOf(lane, slice);
    const parts: Partial<Record<Beginning, string>> = {
      [Beginning.Cut]: 'goes on after time that the recorder took',
      [Beginning.Resumed]: 'a generator or coroutine continues',
      [Beginning.Open]: 'began before',
    };
    const lines = [
      this.profile.functions.name[fn]!,
      place(this.profile, fn),
      `${duration(to - from)}, from ${axisText(from, 1000)} on`,
      laneName(this.timeline, lane),
      parts[lane.beginning[slice] as Beginning] ?? '',
    ];
    return lines.filter(line => line !== '');
  }
}

/** The calls of the chosen function, the longest first. */
class CallList {
  readonly element: HTMLElement;
  private readonly title = make('h2', {});
  private readonly grid: Grid;
  private calls: SingleCalls | null = null;
  private fn = -1;

  constructor(
    private readonly profile: Profile,
    private readonly timeline: Timeline,
    private readonly zoomTo: (call: Sight) => void,
  ) {
    this.grid = new Grid('Calls; Enter shows one', 'grid', 'calls', {
      row: index => this.row(index),
      key: (key, index) => {
        if (key === 'Enter') this.choose(index);
        return key === 'Enter';
      },
    });
    const heads = ['Duration', 'Begins at', 'Thread'];
    this.grid.heads(
      ...heads.map((text, i) =>
        make('div', { role: 'columnheader', class: i === 2 ? 'name' : '' }, text),
      ),
    );
    this.element = make('div', { class: 'functions call-list' }, this.title, this.grid.element);
  }

  show(fn: number, calls: SingleCalls | null): void {
    this.element.hidden = !calls;
    const isOther = fn !== this.fn;
    this.calls = calls;
    this.fn = fn;
    if (!calls) return;
    const { parts, order } = calls;
    const { length } = order;
    const name = this.profile.functions.name[fn] ?? '';
    const least = this.timeline.minDuration;
    this.title.textContent =
      `${counted(length - parts, 'call', 'calls')} of ${name}` +
      (parts > 0 ? `, ${counted(parts, 'continued part', 'continued parts')}` : '') +
      (least > 0 ? `, of ${duration(least)} and longer` : '') +
      (length > 0 ? `: ${summary(calls)}` : '');
    this.grid.show(length, isOther);
  }

  private row(index: number): HTMLElement {
    const { lane, from, isPart, order } = this.calls!;
    const call = order[index]!;
    const name = laneName(this.timeline, lane[call]!);
    const time = duration(durationOf(this.calls!, call));
    return make(
      'div',
      { role: 'row', class: 'row', click: () => this.choose(index) },
      figureCell(time + (isPart[call] ? ' (part)' : ''), ''),
      figureCell(axisText(from[call]!, 1000), ''),
      make('div', { role: 'gridcell', class: 'name', title: name }, name),
    );
  }

  private choose(index: number): void {
    this.grid.choose(index);
    const { from, to, order } = this.calls!;
    const call = order[index]!;
    this.zoomTo({ from: from[call]!, to: to[call]! });
  }
}

/** Returns the spread of durations, the longest of which is the first. */
function summary(calls: SingleCalls): string {
  const { length } = calls.order;
  const at = (share: number) => {
    const call = calls.order[Math.min(length - 1, Math.floor(share * length))]!;
    return duration(durationOf(calls, call));
  };
  return length === 1 ? at(0) : `longest ${at(0)}, median ${at(0.5)}, shortest ${at(1)}`;
}

/** Returns the text of a range, for the bar above all views. */
export function rangeText({ from, to }: Sight): string {
  const step = (to - from) / 1000;
  return `${axisText(from, step)} to ${axisText(to, step)} (${duration(to - from)})`;
}
