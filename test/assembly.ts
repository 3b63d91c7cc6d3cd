/** Gives the tests a folder for what is temporary, which goes with them, and the assembly of the example to all that boot it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { assemblyFor } from '../infra/synthesis.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of the synthesised example, for reading only. */
    assembly: string;
  }
}

export const exampleConfig = resolve(import.meta.dirname, '../examples/acme/shiplock.config.ts');

export default async function setup({ provide }: TestProject): Promise<() => void> {
  const temporary = mkdtempSync(join(tmpdir(), 'shiplock-test-'));
  // Workers take it over from this process.
  process.env.TMPDIR = temporary;
  provide('assembly', (await assemblyFor(exampleConfig)).folder);
  return () => rmSync(temporary, { recursive: true, force: true });
}
