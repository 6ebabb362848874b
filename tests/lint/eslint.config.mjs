// Run by tests/lint.sh. A picture holds graph.js, own.js and flame.js as one script, so that each
// uses what those before it declare.
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

// The packages are installed outside the sources: see lint_eslint.
const require = createRequire(resolve(process.env.EDBPROF_LINT_MODULES, 'package.json'));
const js = require('@eslint/js');
const globals = require('globals');

const shared = [
  'SVG', 'HTML', 'root', 'data', 'LEVEL', 'FRAME', 'UNITS', 'WITH_EDGE', 'VISIBLE', 'CELL', 'PADDING',
  'scale', 'make', 'share', 'counted', 'duration', 'cell', 'beginning', 'Graph',
  'ownColumns',
];

export default [
  js.configs.recommended,
  {
    files: ['**/*.js'],
    languageOptions: { sourceType: 'script', globals: globals.browser },
    rules: {
      eqeqeq: 'error',
      // A script's constants may have names of the window's own, `top` for one.
      'no-redeclare': ['error', { builtinGlobals: false }],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['**/graph.js'],
    rules: { 'no-unused-vars': ['error', { varsIgnorePattern: `^(${shared.join('|')})$` }] },
  },
  {
    files: ['**/own.js'],
    rules: { 'no-unused-vars': ['error', { varsIgnorePattern: '^ownColumns$' }] },
    languageOptions: { globals: { data: 'readonly' } },
  },
  {
    files: ['**/flame.js'],
    languageOptions: { globals: Object.fromEntries(shared.map(name => [name, 'readonly'])) },
  },
  { files: ['**/*.mjs'], languageOptions: { sourceType: 'module', globals: globals.node } },
];
