/** Builds the command, one file that starts fast, and the code of the functions. What only some verbs need is loaded from the sources when it is used. */
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { overviewOf, program } from '../cli/program.ts';
import { codeOf } from '../infra/code.ts';

const root = resolve(import.meta.dirname, '..');
const LAZY = ['domain', 'aws', 'infra', 'local', 'rehearsal'];
/** What every output needs is built in: help is shown by a Node, too, that cannot read the sources. */
const EAGER = ['domain/text/times.ts'];

/** Leaves everything but the command's own folder outside, under paths that hold from `dist/`. */
const outside: Plugin = {
  name: 'outside',
  setup({ onResolve }) {
    onResolve({ filter: /^\./ }, ({ path, importer }) => {
      const target = relative(root, resolve(dirname(importer), path));
      return LAZY.includes(target.split('/')[0] ?? '') && !EAGER.includes(target) ? { path: `../${target}`, external: true } : null;
    });
  },
};

const require = createRequire(import.meta.url);

/**
 * Node's own modules, fetched when something of them is used. An `import` of one makes all of its exports at once: for `node:fs` alone
 * that loads streams and promises, which few commands need.
 */
const builtins: Plugin = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path, kind }) => {
      const name = path.replace(/^node:/, '');
      if (!builtinModules.includes(name)) return null;
      // What is imported when it is needed is so by its names, which a module of CommonJS would not have.
      return kind === 'dynamic-import' ? { path: `node:${name}`, external: true } : { path: name, namespace: 'builtin' };
    });
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => {
      const names = Object.keys(require(`node:${path}`) as object).filter((name) => /^\w+$/.test(name));
      const fetch = `process.getBuiltinModule('node:${path}')`;
      return { contents: `module.exports = { ${names.map((name) => `get ${name}() { return ${fetch}.${name}; }`).join(', ')} };` };
    });
  },
};

const dist = join(root, 'dist');
const settings = {
  outdir: dist,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
} as const;

// What is kept by its content stays.
for (const name of existsSync(dist) ? readdirSync(dist) : []) if (name.endsWith('.js')) rmSync(join(dist, name));
await build({
  ...settings,
  entryPoints: { shiplock: join(root, 'cli/start.ts') },
  banner: { js: '#!/usr/bin/env node' },
  define: { OVERVIEW: JSON.stringify(overviewOf(program())), MAIN: JSON.stringify('./main.js') },
  external: ['./main.js'],
});
await build({ ...settings, entryPoints: { main: join(root, 'cli/main.ts') }, splitting: true, plugins: [builtins, outside] });
chmodSync(join(dist, 'shiplock.js'), 0o755);
await codeOf();
