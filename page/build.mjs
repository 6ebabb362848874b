// Builds the page of `edbprof view`: one HTML file without data, for src/report/page.
//
//     node build.mjs [OUTPUT]
//
// The output depends on the sources and the locked esbuild alone, so that a check can build it
// again and compare. The policy allows this script and this style by their hashes, and no network.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const here = new URL('.', import.meta.url);
const output = process.argv[2] ?? new URL('../src/report/page/page.html', here);

async function bundle(entry) {
  const { outputFiles } = await build({
    absWorkingDir: new URL('.', here).pathname,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    charset: 'ascii',
    legalComments: 'none',
  });
  return outputFiles[0].text.trim();
}

const hash = text => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const script = await bundle('src/main.ts');
const style = await bundle('src/style.css');
if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style)) {
  throw new Error('the bundle contains what would end its element');
}
const policy = [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');
const parts = { POLICY: policy, STYLE: style, SCRIPT: script };
const template = await readFile(new URL('src/template.html', here), 'utf8');
const page = template.replace(/\{\{(POLICY|STYLE|SCRIPT)\}\}/g, (_, name) => parts[name]);
await writeFile(output, page);
