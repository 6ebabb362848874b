// Tasks: the outermost coroutines on the stacks of threads.

import type { Profile } from '../data/profile';
import { coroutines } from './selection';

export interface Task {
  fn: number;
  calls: number;
  time: number;
}

/** Returns the tasks by their functions, the longest first, and the time in no task. */
export function tasksOf(profile: Profile): { tasks: Task[]; outside: number } {
  const isCoroutine = coroutines(profile);
  const { nodes, function: column, end, calls, self } = profile;
  const found = new Map<number, Task>();
  let outside = 0;
  for (let node = 0; node < nodes;) {
    const fn = column[node]!;
    if (isCoroutine[fn] === 0) {
      outside += self[node]!;
      node++;
      continue;
    }
    let task = found.get(fn);
    if (!task) found.set(fn, (task = { fn, calls: 0, time: 0 }));
    task.calls += calls[node]!;
    for (const last = end[node]!; node < last; node++) task.time += self[node]!;
  }
  return { tasks: [...found.values()].sort((a, b) => b.time - a.time), outside };
}
