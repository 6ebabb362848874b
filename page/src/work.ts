// Long work in parts, so that the page answers meanwhile. Work is a generator: each of its steps
// takes a few milliseconds, and its value is what was made.

/** Work that makes a value. */
export type Steps<T> = Generator<void, T>;

/** Milliseconds of work between two pauses. */
const SLICE = 12;
/** Milliseconds of work that is done before the first pause, because somebody waits for it. */
const AT_ONCE = 24;
/** Elements of a loop that are looked at in one step: numbers, and what needs objects or texts. */
const PART = 1 << 16;
export const OBJECTS = 1 << 12;

/** Lets the browser do what is due. */
export function pause(): Promise<void> {
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

/** Takes all steps at once. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Takes all steps, with pauses. */
export async function inSteps<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    await pause();
    const last = takeFor(SLICE, steps);
    if (last) return last.value;
  }
}

/** Takes steps for so many milliseconds. Returns the value if that was the last one. */
function takeFor<T>(milliseconds: number, steps: Steps<T>): { value: T } | null {
  const end = performance.now() + milliseconds;
  do {
    const step = steps.next();
    if (step.done) return step;
  } while (performance.now() < end);
  return null;
}

/** Calls `step` with the parts of a range one by one. Loops are slow in generators themselves. */
export function* inParts(
  length: number,
  step: (first: number, last: number) => void,
  part = PART,
): Steps<void> {
  for (let first = 0; first < length; first += part) {
    step(first, Math.min(first + part, length));
    yield;
  }
}

/** The work for what the page is to show. */
export class Work {
  private steps: Steps<() => void> | null = null;
  private isGoing = false;
  private readonly unfinished = new Set<Promise<void>>();

  /**
   * Takes `steps`, then calls the function that they make, which shows something. Short work is
   * done at once. Longer work is dropped when other work begins, because its result is wanted no
   * longer.
   */
  run(steps: Steps<() => void>): void {
    const last = takeFor(AT_ONCE, steps);
    this.steps = last ? null : steps;
    if (last) last.value();
    else if (!this.isGoing) this.waitFor(this.go());
  }

  private async go(): Promise<void> {
    this.isGoing = true;
    while (this.steps) {
      await pause();
      const { steps } = this;
      const last = steps && takeFor(SLICE, steps);
      if (!last || this.steps !== steps) continue;
      this.steps = null;
      last.value();
    }
    this.isGoing = false;
  }

  /** Marks the page as busy until `work` has ended. */
  waitFor(work: Promise<void>): void {
    this.unfinished.add(work);
    document.body.dataset['busy'] = '';
    void work.finally(() => {
      this.unfinished.delete(work);
      if (this.unfinished.size === 0) delete document.body.dataset['busy'];
    });
  }

  /** Waits until nothing is being done. */
  async settled(): Promise<void> {
    while (this.unfinished.size > 0) await Promise.all(this.unfinished);
  }
}
