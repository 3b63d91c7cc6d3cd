/** Synthesises the example once for all tests that boot it. */
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
  const folder = mkdtempSync(join(tmpdir(), 'shiplock-test-'));
  await synthesise({ config: exampleConfig, outdir: folder });
  provide('assembly', folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
