// Reads the data of the page and starts it.

import { App } from './app';
import { occurring, readProfile } from './data/profile';
import { readSources } from './data/sources';
import { make } from './ui/dom';
import { inSteps } from './work';

/** Returns the text of a data block, and removes it: it is larger than what is made of it. */
function take(id: string): string {
  const data = document.getElementById(id)!;
  data.remove();
  return data.textContent;
}

async function start(): Promise<void> {
  const main = document.getElementById('main')!;
  try {
    const profile = await readProfile(take('data'));
    const timeline = take('timeline-data');
    const sources = await readSources(take('source-data'));
    const facts = await inSteps(occurring(profile));
    const app = new App(profile, facts, timeline, sources, main);
    await app.settled();
    document.body.dataset['ready'] = '';
    void app.prepare();
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
