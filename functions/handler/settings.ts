/** Settings of a function: the environment variables with names of tables and machines, and the pipeline beside its code. Read once, at the cold start. */
import { readFileSync } from 'node:fs';
import type { Pipeline } from '../../domain/pipeline/pipeline.ts';

/** An environment variable that the stack sets. @throws Error naming it, if it does not */
export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`the environment variable ${name} is missing: deploy the pipeline's stack again`);
  return value;
}

/** The pipeline that was deployed with this version of the code: `pipeline.json`, beside it. */
export function readPipeline(): Pipeline {
  return JSON.parse(readFileSync('pipeline.json', 'utf8')) as Pipeline;
}
