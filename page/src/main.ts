// Reads the data of the page and starts it.

import { App } from './app';
import { readProfile } from './data/profile';
import { make } from './ui/dom';

async function start(): Promise<void> {
  const main = document.getElementById('main')!;
  const data = document.getElementById('data')!;
  try {
    const profile = await readProfile(data.textContent);
    // The text is several times as large as the columns.
    data.remove();
    new App(profile, main);
    document.body.dataset['ready'] = '';
    const { remarks } = profile;
    if (remarks.length > 0) {
      const notes = remarks.map(remark => make('p', {}, remark));
      document
        .getElementById('top')!
        .append(make('details', {}, make('summary', {}, 'About this profile'), ...notes));
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    main.replaceChildren(
      make('p', { role: 'alert' }, `This page can't show its profile: ${reason}`),
    );
  }
}

void start();
