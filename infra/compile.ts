/** Compiles functions to what Lambda runs: one CommonJS file each. */
import { join, relative, resolve, sep } from 'node:path';
import { type BuildOptions, build, type Metafile, stop } from 'esbuild';
import { slim } from './slim.ts';
import { root } from './sources.ts';

/**
 * Writes `<outdir>/<name>.js` for every file.
 * @param files by the name of what is made of them
 * @param words that our code uses: errors of the SDK which are not among them are left out
 * @returns the files of ours that went into each
 * @throws esbuild's BuildFailure
 */
export async function compile(
  files: Readonly<Record<string, string>>,
  words: ReadonlySet<string>,
  outdir: string,
): Promise<Map<string, string[]>> {
  const { metafile } = await buildAndEnd({
    entryPoints: { ...files },
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
    // Whoever asked is told, by what is thrown.
    logLevel: 'silent',
    metafile: true,
    absWorkingDir: root,
    // Functions outside the project (those of tests) find its packages.
    nodePaths: [join(root, 'node_modules')],
    plugins: [slim(words)],
  });
  return new Map(Object.entries(files).map(([name, file]) => [name, reached(metafile, relative(root, file).replaceAll(sep, '/'))]));
}

/** Esbuild's process would stay as long as this one. */
async function buildAndEnd(options: BuildOptions & { readonly metafile: true }) {
  try {
    return await build(options);
  } finally {
    await stop();
  }
}

function reached({ inputs }: Metafile, file: string): string[] {
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path) || path.split('/').includes('node_modules')) return;
    found.add(path);
    for (const { path: target } of inputs[path]?.imports ?? []) if (target in inputs) visit(target);
  };
  visit(file);
  return [...found].map((path) => resolve(root, path));
}
