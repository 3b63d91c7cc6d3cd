/** Finds and reads the pipeline of a command: `shiplock.config.ts` with its templates. */
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Pipeline } from '../../domain/pipeline/pipeline.ts';
import { readConfig } from '../../infra/config-file.ts';
import { UsageError } from '../terminal/errors.ts';

/** Where a pipeline is looked for when nobody says: here, then the example. */
const CANDIDATES = ['shiplock.config.ts', 'examples/acme/shiplock.config.ts'];

/** @param given a configuration file or its folder @throws UsageError if there is none */
export function configPath(given?: string): string {
  if (given !== undefined) {
    const path = resolve(given);
    const file = existsSync(path) && statSync(path).isDirectory() ? join(path, 'shiplock.config.ts') : path;
    if (!existsSync(file)) throw new UsageError(`${given}: no such configuration; give a shiplock.config.ts or its folder`);
    return file;
  }
  const found = CANDIDATES.map((candidate) => resolve(candidate)).find(existsSync);
  if (found === undefined) throw new UsageError('no shiplock.config.ts here; go to its folder, or name it with --config');
  return found;
}

/** @throws ConfigError with every problem, its place and the way out */
export const loadPipeline = (path: string): Promise<Pipeline> => readConfig(path);
