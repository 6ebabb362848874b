import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inParts, Work, type Steps } from './work';

describe('work', () => {
  let now = 0;
  const body = { dataset: {} as Record<string, string> };

  beforeEach(() => {
    now = 0;
    vi.stubGlobal('document', { body });
    vi.spyOn(performance, 'now').mockImplementation(() => now);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });

  /** Work of so many steps, each of which takes five milliseconds. */
  function* slow<T>(steps: number, value: T): Steps<T> {
    for (let step = 0; step < steps; step++) {
      now += 5;
      yield;
    }
    return value;
  }

  it('that is short is done at once', () => {
    const shown: string[] = [];
    new Work().run(slow(3, () => shown.push('short')));
    expect(shown).toEqual(['short']);
    expect(body.dataset).toEqual({});
  });

  it('that is long is done in slices, and the page is busy meanwhile', async () => {
    const shown: string[] = [];
    const work = new Work();
    work.run(slow(50, () => shown.push('long')));
    expect(now).toBeLessThanOrEqual(45);
    expect([shown, 'busy' in body.dataset]).toEqual([[], true]);
    await work.settled();
    expect([shown, 'busy' in body.dataset]).toEqual([['long'], false]);
  });

  it('is dropped when other work begins', async () => {
    const shown: string[] = [];
    const work = new Work();
    work.run(slow(50, () => shown.push('first')));
    work.run(slow(40, () => shown.push('second')));
    work.run(slow(1, () => shown.push('third')));
    expect(shown).toEqual(['third']);
    work.run(slow(30, () => shown.push('fourth')));
    await work.settled();
    expect(shown).toEqual(['third', 'fourth']);
  });

  it('on a range looks at each element once', () => {
    const parts: [number, number][] = [];
    const steps = inParts(100_000, (first, last) => parts.push([first, last]));
    while (!steps.next().done);
    expect(parts).toEqual([
      [0, 65_536],
      [65_536, 100_000],
    ]);
  });
});
