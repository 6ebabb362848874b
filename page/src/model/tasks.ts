// Tasks: the outermost coroutines on the stacks of threads.

import type { Profile } from '../data/profile';
import { inParts, type Steps } from '../work';
import { coroutines } from './selection';

export interface Task {
  fn: number;
  calls: number;
  time: number;
}

export interface Tasks {
  tasks: Task[];
  /** Time in no task. */
  outside: number;
}

/** Returns the tasks by their functions, the longest first. */
export function* tasksOf(profile: Profile): Steps<Tasks> {
  const isCoroutine = coroutines(profile);
  const { nodes, function: column, end, calls, self } = profile;
  const found = new Map<number, Task>();
  let outside = 0;
  let task: Task | null = null;
  let last = 0;
  const look = (first: number, behind: number) => {
    for (let node = first; node < behind; node++) {
      const fn = column[node]!;
      if (node >= last) {
        task = null;
        if (isCoroutine[fn]) {
          task = found.get(fn) ?? { fn, calls: 0, time: 0 };
          found.set(fn, task);
          task.calls += calls[node]!;
          last = end[node]!;
        }
      }
      if (task) task.time += self[node]!;
      else outside += self[node]!;
    }
  };
  yield* inParts(nodes, look);
  return { tasks: [...found.values()].sort((a, b) => b.time - a.time), outside };
}
