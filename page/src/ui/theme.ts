// Light and dark: the system's choice, until the switch is used to have the other one.

type Theme = 'light' | 'dark';
const KEY = 'edbprof-theme';

const system = matchMedia('(prefers-color-scheme: dark)');

/**
 * Applies the theme that was chosen last, or the system's; light on paper. Calls `changed` when that
 * changes.
 */
export function followTheme(changed: () => void): void {
  const follow = () => apply(chosen() ?? (system.matches ? 'dark' : 'light'));
  follow();
  const change = (how: () => void) => () => {
    how();
    changed();
  };
  system.addEventListener('change', change(follow));
  // Browsers print no backgrounds, so that light text could not be read.
  addEventListener(
    'beforeprint',
    change(() => apply('light')),
  );
  addEventListener('afterprint', change(follow));
}

export function switchTheme(): void {
  const other = document.documentElement.dataset['theme'] === 'dark' ? 'light' : 'dark';
  apply(other);
  try {
    // A page that looks as the system does goes on to follow it.
    if (other === (system.matches ? 'dark' : 'light')) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, other);
  } catch {
    // Some browsers give files no storage; the choice lasts as long as the page.
  }
}

function apply(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
}

function chosen(): Theme | null {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'dark' || value === 'light' ? value : null;
  } catch {
    return null;
  }
}
