/** The way of data through a state of JSONPath: what goes in, what comes of it, and where that is put. */
import type { Json } from '../data.ts';
import type { StateDefinition } from '../definition.ts';
import type { Ambient } from '../functions.ts';
import type { Template } from '../template.ts';
import type { Path } from './path.ts';
import { parsePath } from './reader.ts';
import { PathField, pathOrCall, payload } from './template.ts';

/** How data goes through a state of JSONPath. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-input-output-filtering.html */
export interface Flow {
  /** InputPath. */
  readonly input: Template | undefined;
  /** ResultSelector. */
  readonly selector: Template | undefined;
  /** ResultPath; null discards the result. */
  readonly result: Path | null | undefined;
  /** OutputPath. */
  readonly output: Template | undefined;
}

export const constant = (value: Json): Template => ({ constant: value, fill: () => value });

/** A ResultPath: the whole place, nothing, or a place in the input. */
export function referenceOf(text: string | null | undefined): Path | null | undefined {
  if (text === undefined || text === '$') return undefined;
  return text === null ? null : parsePath(text);
}

/** InputPath and OutputPath: `$` changes nothing, null leaves nothing. */
function selected(text: string | null | undefined): Template | undefined {
  if (text === undefined || text === '$') return undefined;
  return text === null ? constant({}) : new PathField(text);
}

export function flowOf({ InputPath, ResultSelector, ResultPath, OutputPath }: StateDefinition, ambient: Ambient): Flow {
  return {
    input: selected(InputPath),
    selector: ResultSelector === undefined ? undefined : payload(ResultSelector, ambient),
    result: referenceOf(ResultPath),
    output: selected(OutputPath),
  };
}

/** A field of Wait. */
export const waited = (path: string | undefined, field: string): Template | undefined =>
  path === undefined ? undefined : new PathField(path, (_, text) => `The ${field} parameter does not reference an input value: ${text}`);

/** A field of Fail. */
export const named = (text: string | undefined, field: string, ambient: Ambient): Template | undefined =>
  text === undefined ? undefined : pathOrCall(text, field, ambient);
