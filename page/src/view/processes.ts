// The processes and threads of the recording, to choose those that all views show.

import { Role, type Profile } from '../data/profile';
import { isGroup } from '../model/selection';
import { count, duration, share } from '../text/numbers';
import { button, make } from '../ui/dom';

interface Group {
  node: number;
  level: number;
  name: string;
  time: number;
  calls: number;
}

/** Returns the processes and threads, each process before its threads. */
export function groupsOf(profile: Profile): Group[] {
  const groups: Group[] = [];
  const { role, name } = profile.functions;
  let node = 0;
  while (node < profile.nodes) {
    const fn = profile.function[node]!;
    if (!isGroup(role[fn]!)) {
      node = profile.end[node]!;
      continue;
    }
    let time = 0;
    let calls = 0;
    for (let at = node; at < profile.end[node]!; at++) {
      time += profile.self[at]!;
      calls += profile.calls[at]!;
    }
    const level = role[fn] === Role.Thread && profile.depth[node]! > 0 ? 1 : 0;
    groups.push({ node, level, name: name[fn]!, time, calls });
    node++;
  }
  return groups;
}

export class GroupChooser {
  readonly element: HTMLElement;
  private readonly boxes: HTMLInputElement[] = [];
  private readonly groups: Group[];

  constructor(
    private readonly profile: Profile,
    private readonly change: (off: readonly number[]) => void,
  ) {
    this.groups = groupsOf(profile);
    const whole = this.groups.reduce((sum, group) => sum + (group.level === 0 ? group.time : 0), 0);
    const rows = this.groups.map((group, i) => this.row(group, i, whole));
    this.element = make(
      'div',
      { class: 'page' },
      make('h2', {}, 'Processes and threads'),
      make('p', {}, 'All views show the calls of those that are ticked.'),
      make(
        'p',
        {},
        button('All', () => this.change([])),
        ' ',
        button('None', () => this.change(this.groups.filter(g => g.level === 0).map(g => g.node))),
      ),
      make(
        'table',
        { class: 'plain' },
        make(
          'thead',
          {},
          make(
            'tr',
            {},
            ...['Shown', 'Time', 'Share', 'Calls', ''].map(text =>
              make('th', { scope: 'col' }, text),
            ),
          ),
        ),
        make('tbody', {}, ...rows),
      ),
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
      make('td', { class: 'number' }, duration(group.time)),
      make('td', { class: 'number' }, share(group.time, whole)),
      make('td', { class: 'number' }, count(group.calls)),
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
    this.change([...left]);
  }
}
