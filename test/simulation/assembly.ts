/** Synthesises the small pipeline once for the tests of a file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { synthesise } from '../../infra/synthesis.ts';
import { simulationConfig } from './history.ts';

// Every cold start of a Lambda runs the same code in a fresh context: what V8 has compiled once it shall keep.
setFlagsFromString('--no-flush-bytecode');

export interface Assembly {
  readonly folder: string;
  remove(): void;
}

export async function simulationAssembly(): Promise<Assembly> {
  const folder = mkdtempSync(join(tmpdir(), 'shiplock-simulation-'));
  await synthesise({ config: simulationConfig, outdir: folder });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
