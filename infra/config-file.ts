/** Reads a `shiplock.config.ts` with its templates: what cannot even be read is said with its place, as what is wrong in it. */
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parsePipeline } from '../domain/configuration/configuration.ts';
import { ConfigError } from '../domain/configuration/problems.ts';
import type { Pipeline } from '../domain/pipeline/pipeline.ts';

/** @throws ConfigError with every problem, its place and the way out */
export async function readConfig(path: string): Promise<Pipeline> {
  const file = resolve(path);
  const config = await load(file);
  if (typeof config !== 'object' || config === null)
    throw new ConfigError([{ place: basename(file), message: 'exports no pipeline; write `export default definePipeline({ … })`' }]);
  return parsePipeline(config, (template) => readFileSync(resolve(dirname(file), template), 'utf8'));
}

async function load(file: string): Promise<unknown> {
  try {
    return ((await import(pathToFileURL(file).href)) as { default?: unknown }).default;
  } catch (error) {
    const { name, message } = error as Error;
    throw new ConfigError([{ place: placeIn(file, error), message: `${name === 'Error' ? '' : `${name}: `}${message}` }]);
  }
}

/** The file with the line that an error names: its first line for what cannot be parsed, its frames for what was thrown. */
function placeIn(file: string, error: unknown): string {
  const stack = String((error as Error).stack);
  const line = [pathToFileURL(file).href, file].flatMap(
    (name) => /^:(\d+)/.exec(stack.slice(stack.indexOf(name) + name.length))?.[1] ?? [],
  )[0];
  return `${basename(file)}${stack.includes(file) && line ? `:${line}` : ''}`;
}
