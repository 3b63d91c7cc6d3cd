/** Bundles every function: one CommonJS file each, with the pipeline beside it. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Pipeline } from '../domain/pipeline.ts';
import { slim } from './slim.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where the functions are, one file each; folders beside them hold what they share. */
export const functionsFolder = join(root, 'functions');

/** The names of all functions: those of their files, without `.ts`. */
export const functionNames = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map(({ name }) => name.slice(0, -'.ts'.length))
    .sort();

/**
 * Writes `<outdir>/<function>/index.js` and `pipeline.json` for every function.
 * @returns the functions' folders by name
 * @throws esbuild's BuildFailure
 */
export async function bundleFunctions(pipeline: Pipeline, folder: string, outdir: string): Promise<Record<string, string>> {
  const names = functionNames(folder);
  if (names.length === 0) throw new Error(`there are no functions in ${folder}`);
  await build({
    entryPoints: Object.fromEntries(names.map((name) => [`${name}/index`, join(folder, `${name}.ts`)])),
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node24',
    // Local AWS runs bundles in a realm of their own, which takes CommonJS only.
    format: 'cjs',
    // The SDK's CommonJS builds cannot be shaken.
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    sourcemap: false,
    logLevel: 'error',
    // Functions outside the project (those of tests) find its packages.
    nodePaths: [join(root, 'node_modules')],
    plugins: [slim([folder, join(root, 'aws'), join(root, 'domain')].filter(existsSync))],
  });
  const text = JSON.stringify(pipeline);
  const folders = Object.fromEntries(names.map((name) => [name, join(outdir, name)]));
  for (const path of Object.values(folders)) {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'pipeline.json'), text);
  }
  return folders;
}
