/** What is deployed of every function: its code, with the pipeline beside it. */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';
import { codeOf } from './code.ts';

/**
 * Writes `<outdir>/<function>/index.js` and `pipeline.json` for every function.
 * @returns the functions' folders by name
 * @throws esbuild's BuildFailure
 */
export async function bundleFunctions(pipeline: Pipeline, folder: string, outdir: string): Promise<Record<string, string>> {
  const text = JSON.stringify(pipeline);
  const folders: Record<string, string> = {};
  for (const [name, code] of await codeOf(folder)) {
    const path = join(outdir, name);
    mkdirSync(path, { recursive: true });
    copyFileSync(code, join(path, 'index.js'));
    writeFileSync(join(path, 'pipeline.json'), text);
    folders[name] = path;
  }
  return folders;
}
