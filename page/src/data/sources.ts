// Texts of source files: only where the page was asked to contain them.

import { Reader, inflate } from './decode';

export interface Sources {
  /** Texts by path. */
  texts: Map<string, string>;
  missing: { path: string; reason: string }[];
}

/** Reads the sources from the text of the page's data block. */
export async function readSources(text: string): Promise<Sources | null> {
  if (text.trim() === '') return null;
  const reader = new Reader(await inflate(text));
  const { files, missing } = JSON.parse(reader.text()) as {
    files: { path: string; text: string }[];
    missing: Sources['missing'];
  };
  return { texts: new Map(files.map(file => [file.path, file.text])), missing };
}
