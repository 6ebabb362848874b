// The processes, threads and tasks of the recording, to choose those that all views show.

import { place, Role, type Profile } from '../data/profile';
import { isGroup } from '../model/selection';
import { tasksOf, type Task, type Tasks } from '../model/tasks';
import type { State } from '../state';
import { count, duration, share } from '../text/numbers';
import { button, make } from '../ui/dom';
import { inParts, type Steps } from '../work';

interface Group {
  node: number;
  level: number;
  name: string;
  time: number;
  calls: number;
}

type Off = Pick<State, 'off' | 'tasksOff' | 'tasksOnly'>;

/** Returns the processes and threads, each process before its threads. */
export function* groupsOf(profile: Profile): Steps<Group[]> {
  const groups: Group[] = [];
  const { role, name } = profile.functions;
  let node = 0;
  while (node < profile.nodes) {
    const fn = profile.function[node]!;
    if (!isGroup(role[fn]!)) {
      node = profile.end[node]!;
      yield;
      continue;
    }
    let time = 0;
    let calls = 0;
    const start = node;
    const add = (first: number, last: number) => {
      for (let at = start + first; at < start + last; at++) {
        time += profile.self[at]!;
        calls += profile.calls[at]!;
      }
    };
    yield* inParts(profile.end[node]! - node, add);
    const level = role[fn] === Role.Thread && profile.depth[node]! > 0 ? 1 : 0;
    groups.push({ node, level, name: name[fn]!, time, calls });
    node++;
  }
  return groups;
}

/** Page of what may be left out. */
export class GroupChooser {
  readonly element = make('div', { class: 'page' });
  private readonly groups: GroupTable | null;
  private readonly tasks: TaskTable | null;

  private constructor(
    profile: Profile,
    groups: readonly Group[],
    tasks: Tasks,
    change: (off: Partial<Off>) => void,
  ) {
    this.groups = groups.length > 0 ? new GroupTable(profile, groups, change) : null;
    this.tasks = profile.tasks.length > 0 ? new TaskTable(profile, tasks, change) : null;
    for (const table of [this.groups, this.tasks]) if (table) this.element.append(table.element);
  }

  static *of(profile: Profile, change: (off: Partial<Off>) => void): Steps<GroupChooser> {
    const groups = yield* groupsOf(profile);
    return new GroupChooser(profile, groups, yield* tasksOf(profile), change);
  }

  show(off: Off): void {
    this.groups?.show(off.off);
    this.tasks?.show(off);
  }
}

/** Makes a table whose rows may be ticked. */
function chooser(
  title: string,
  text: string,
  buttons: readonly HTMLElement[],
  heads: readonly string[],
  rows: readonly HTMLElement[],
): HTMLElement {
  return make(
    'section',
    {},
    make('h2', {}, title),
    make('p', {}, text),
    make('p', { class: 'choices' }, ...buttons),
    make(
      'table',
      { class: 'plain' },
      make(
        'thead',
        {},
        make(
          'tr',
          {},
          ...heads.map(head => make('th', { scope: 'col', class: wideIf(head) }, head)),
        ),
      ),
      make('tbody', {}, ...rows),
    ),
  );
}

/** Returns the class of what narrow windows omit: shares follow from times. */
function wideIf(head: string): string {
  return head === 'Share' ? 'wide' : '';
}

function numberCell(text: string): HTMLElement {
  return make('td', { class: 'number' }, text);
}

function shareCell(part: number, whole: number): HTMLElement {
  return make('td', { class: 'number wide' }, share(part, whole));
}

class GroupTable {
  readonly element: HTMLElement;
  private readonly boxes: HTMLInputElement[] = [];

  constructor(
    private readonly profile: Profile,
    private readonly groups: readonly Group[],
    private readonly change: (off: Partial<Off>) => void,
  ) {
    const whole = groups.reduce((sum, group) => sum + (group.level === 0 ? group.time : 0), 0);
    const outermost = groups.filter(group => group.level === 0).map(group => group.node);
    this.element = chooser(
      'Processes and threads',
      'All views show the calls of those that are ticked.',
      [button('All', () => change({ off: [] })), button('None', () => change({ off: outermost }))],
      ['Shown', 'Time', 'Share', 'Calls', 'Process or thread'],
      groups.map((group, i) => this.row(group, i, whole)),
    );
  }

  show(off: readonly number[]): void {
    const left = new Set(off);
    this.groups.forEach((group, i) => {
      const box = this.boxes[i]!;
      const inside = this.groups.filter(other => this.isWithin(other, group));
      const out = inside.filter(other => left.has(other.node)).length;
      box.checked =
        !left.has(group.node) && !this.isCovered(group, left) && out < Math.max(1, inside.length);
      box.indeterminate = box.checked && out > 0;
    });
  }

  private row(group: Group, index: number, whole: number): HTMLElement {
    const box = make('input', {
      type: 'checkbox',
      'aria-label': group.name,
      change: () => this.toggle(index),
    });
    this.boxes.push(box);
    return make(
      'tr',
      { class: `level-${group.level}` },
      make('td', {}, box),
      numberCell(duration(group.time)),
      shareCell(group.time, whole),
      numberCell(count(group.calls)),
      make('td', { class: 'group-name' }, group.name),
    );
  }

  private isWithin(inner: Group, outer: Group): boolean {
    return inner.node > outer.node && inner.node < this.profile.end[outer.node]!;
  }

  /** Returns true if the process around `group` is left out as a whole. */
  private isCovered(group: Group, left: ReadonlySet<number>): boolean {
    return this.groups.some(outer => left.has(outer.node) && this.isWithin(group, outer));
  }

  private toggle(index: number): void {
    const group = this.groups[index]!;
    const left = new Set<number>();
    // Every thread by itself, and processes without threads.
    const leaves = this.groups.filter(one => !this.groups.some(inner => this.isWithin(inner, one)));
    const isLeaf = leaves.includes(group);
    for (const leaf of leaves) {
      const isToggled = leaf === group || (!isLeaf && this.isWithin(leaf, group));
      const at = this.groups.indexOf(leaf);
      const isOn = isToggled ? this.boxes[index]!.checked : this.boxes[at]!.checked;
      if (!isOn) left.add(leaf.node);
    }
    this.change({ off: [...left] });
  }
}

class TaskTable {
  readonly element: HTMLElement;
  private readonly boxes = new Map<number, HTMLInputElement>();
  private readonly outside: HTMLInputElement;

  constructor(
    private readonly profile: Profile,
    { tasks, outside }: Tasks,
    private readonly change: (off: Partial<Off>) => void,
  ) {
    const whole = tasks.reduce((sum, task) => sum + task.time, outside);
    const box = (name: string) =>
      make('input', { type: 'checkbox', 'aria-label': name, change: () => this.toggle() });
    this.outside = box('In no task');
    const rest = make(
      'tr',
      {},
      make('td', {}, this.outside),
      numberCell(duration(outside)),
      shareCell(outside, whole),
      numberCell(''),
      make('td', { class: 'group-name' }, 'in no task'),
    );
    const rows = tasks.map(task => {
      const of = box(profile.functions.name[task.fn]!);
      this.boxes.set(task.fn, of);
      return this.row(task, of, whole);
    });
    const all = tasks.map(task => task.fn);
    this.element = chooser(
      'Tasks',
      'A task is the outermost coroutine on the stack of a thread. All views show the time and ' +
        'the calls of those that are ticked.',
      [
        button('All', () => change({ tasksOff: [], tasksOnly: false })),
        button('None', () => change({ tasksOff: all, tasksOnly: true })),
        button('Tasks alone', () => change({ tasksOff: [], tasksOnly: true })),
      ],
      ['Shown', 'Running', 'Share', 'Starts', 'Task'],
      [...rows, rest],
    );
  }

  show({ tasksOff, tasksOnly }: Off): void {
    const left = new Set(tasksOff);
    for (const [fn, box] of this.boxes) box.checked = !left.has(fn);
    this.outside.checked = !tasksOnly;
  }

  private row({ fn, time, calls }: Task, box: HTMLElement, whole: number): HTMLElement {
    const at = make('span', { class: 'place' }, place(this.profile, fn));
    return make(
      'tr',
      {},
      make('td', {}, box),
      numberCell(duration(time)),
      shareCell(time, whole),
      numberCell(count(calls)),
      make('td', { class: 'group-name' }, this.profile.functions.name[fn]!, ' ', at),
    );
  }

  private toggle(): void {
    const off = [...this.boxes].filter(([, box]) => !box.checked).map(([fn]) => fn);
    this.change({ tasksOff: off, tasksOnly: !this.outside.checked });
  }
}
