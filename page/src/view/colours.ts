// Colours of frames: one hue for each part that a function has in the program, told apart by
// people who see few colours too, because each hue has a lightness of its own.

import { Role } from '../data/profile';

export interface Palette {
  /** Three shades for each role, so that neighbours differ. */
  roles: readonly (readonly string[])[];
  text: string;
  /** Background and text outside of frames. */
  panel: string;
  textOnPage: string;
  edge: string;
  match: string;
  dim: string;
  dimText: string;
  cursor: string;
  /** From much less self time to much more; the middle one is as before. */
  changes: readonly string[];
  back: string;
}

const VARIABLES: Record<Role, string> = {
  [Role.Own]: '--own',
  [Role.Library]: '--library',
  [Role.Builtin]: '--builtin',
  [Role.Import]: '--import',
  [Role.Process]: '--other',
  [Role.Thread]: '--other',
  [Role.Other]: '--other',
};

/** Reads the colours of the style sheet, which differ between light and dark. */
export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  return {
    roles: Object.values(VARIABLES).map(name => ['-a', '-b', '-c'].map(end => colour(name + end))),
    text: colour('--frame-text'),
    panel: colour('--panel'),
    textOnPage: colour('--text'),
    edge: colour('--frame-edge'),
    match: colour('--match'),
    dim: colour('--dim'),
    dimText: colour('--dim-text'),
    changes: CHANGES.map(name => colour(`--${name}`)),
    cursor: colour('--cursor'),
    back: colour('--back'),
  };
}

/** Changes of self time, as shares of the whole, from which on colours get stronger. */
const STEPS = [0.001, 0.01, 0.05];
const CHANGES = ['less-3', 'less-2', 'less-1', 'same', 'more-1', 'more-2', 'more-3'];

/** Returns the index among a palette's `changes` of a change, as a share of the whole. */
export function changeStep(share: number): number {
  const steps = STEPS.filter(step => Math.abs(share) >= step).length;
  return 3 + Math.sign(share) * steps;
}

/** Returns the shade of a function: the same in all graphs. */
export function shade(fn: number): number {
  return (Math.imul(fn + 1, 2654435761) >>> 16) % 3;
}
