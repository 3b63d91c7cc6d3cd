/** Builds the command: one file that starts fast. What it does not need for `--help` is loaded from the sources when it is used. */
import { chmodSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const LAZY = ['domain', 'aws', 'infra', 'local', 'rehearsal'];

/** Leaves everything but the command's own folder outside, under paths that hold from `dist/`. */
const outside: Plugin = {
  name: 'outside',
  setup({ onResolve }) {
    onResolve({ filter: /^\./ }, ({ path, importer }) => {
      const target = relative(root, resolve(dirname(importer), path));
      return LAZY.includes(target.split('/')[0] ?? '') ? { path: `../${target}`, external: true } : null;
    });
  },
};

await build({
  entryPoints: { shiplock: join(root, 'cli/main.ts') },
  outdir: join(root, 'dist'),
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minify: true,
  legalComments: 'none',
  // Commander and picocolors are CommonJS that requires Node's own modules.
  banner: {
    js: '#!/usr/bin/env node\nimport { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  plugins: [outside],
  logLevel: 'warning',
});
chmodSync(join(root, 'dist/shiplock.js'), 0o755);
