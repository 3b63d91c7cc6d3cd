/** Gives the tests a folder for what is temporary, which goes with them, and synthesises the example once for all that boot it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { synthesise } from '../infra/synthesis.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of the synthesised example. */
    assembly: string;
  }
}

export const exampleConfig = resolve(import.meta.dirname, '../examples/acme/shiplock.config.ts');

export default async function setup({ provide }: TestProject): Promise<() => void> {
  const temporary = mkdtempSync(join(tmpdir(), 'shiplock-test-'));
  // Workers take it over from this process.
  process.env.TMPDIR = temporary;
  const folder = join(temporary, 'example');
  await synthesise({ config: exampleConfig, outdir: folder });
  provide('assembly', folder);
  return () => rmSync(temporary, { recursive: true, force: true });
}
