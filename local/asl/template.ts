/** A field of a state that may hold JSONata: a template, parsed once, filled for every run. */
import jsonata from 'jsonata';
import { type Json, plain } from './data.ts';
import { EvaluationError } from './error.ts';
import { type Ambient, register } from './functions.ts';

/** `$states` and the variables, by name without the dollar sign. */
export type Bindings = Readonly<Record<string, unknown>>;

export interface Template {
  /** The value where no expression is in it. */
  readonly constant?: Json;
  /** The path of JSONPath that it is, if it is one. */
  readonly path?: { readonly source: string };
  /** The value for these bindings. @throws EvaluationError, PathError */
  fill(bindings: Bindings): Json | Promise<Json>;
}

/** What a field wants; a result of another type is an error. */
export type Wanted = 'array' | 'boolean' | 'number' | 'string' | 'object';

/** Bounds for a runaway expression: depth of calls, and milliseconds of the machine's time, far above any real use. */
const GUARD = { stack: 1000, timeout: 10_000 };

/** The expression in a string, or undefined where the string is a literal: delimiters must be its first and last characters. */
export function expressionIn(text: string): string | undefined {
  return text.length >= 4 && text.startsWith('{%') && text.endsWith('%}') ? text.slice(2, -2).trim() : undefined;
}

const typeOf = (value: Json): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

const isFunction = (value: unknown): boolean =>
  typeof value === 'function' ||
  (typeof value === 'object' && value !== null && ('_jsonata_function' in value || '_jsonata_lambda' in value));

class Expression implements Template {
  private readonly source: string;
  private readonly location: string;
  private readonly wanted: Wanted | undefined;
  private readonly compiled: jsonata.Expression;

  constructor(source: string, location: string, wanted: Wanted | undefined, ambient: Ambient) {
    this.source = source;
    this.location = location;
    this.wanted = wanted;
    this.compiled = jsonata(source, GUARD);
    register(this.compiled, ambient);
  }

  async fill(bindings: Bindings): Promise<Json> {
    let result: unknown;
    try {
      result = await this.compiled.evaluate(undefined, bindings);
    } catch (thrown) {
      const { code, message } = thrown as { code?: string; message?: string };
      throw this.error(`threw an error during evaluation. ${code === undefined ? '' : `${code}: `}${message}`);
    }
    if (result === undefined) throw this.error('returned nothing (undefined).');
    if (isFunction(result)) throw this.error('returned an unsupported result type.');
    const value = plain(result);
    if (this.wanted !== undefined && typeOf(value) !== this.wanted)
      throw this.error(
        `returned an unexpected result type. Expected '${this.wanted}', but was '${typeOf(value)}' for value: ${JSON.stringify(value)}`,
      );
    return value;
  }

  private error(what: string): EvaluationError {
    return new EvaluationError(`The JSONata expression '${this.source}' specified for the field '${this.location}' ${what}`, this.location);
  }
}

class Constant implements Template {
  readonly constant: Json;

  constructor(value: Json) {
    this.constant = value;
  }

  fill(): Json {
    return this.constant;
  }
}

class Members implements Template {
  private readonly members: readonly (readonly [string, Template])[];
  private readonly array: boolean;

  constructor(members: readonly (readonly [string, Template])[], array: boolean) {
    this.members = members;
    this.array = array;
  }

  async fill(bindings: Bindings): Promise<Json> {
    const values: (readonly [string, Json])[] = [];
    for (const [name, template] of this.members) values.push([name, await template.fill(bindings)]);
    return this.array ? values.map(([, value]) => value) : (Object.fromEntries(values) as Json);
  }
}

/**
 * Parses a field.
 * @param location as AWS names it in errors: `Arguments`, `Arguments/Payload`
 * @param wanted the type that an expression in place of the whole field must give
 * @throws jsonata's error where an expression cannot be parsed; lint finds these before
 */
export function template(field: Json, location: string, ambient: Ambient, wanted?: Wanted): Template {
  if (typeof field === 'string') {
    const source = expressionIn(field);
    return source === undefined ? new Constant(field) : new Expression(source, location, wanted, ambient);
  }
  if (field === null || typeof field !== 'object') return new Constant(field);
  const array = Array.isArray(field);
  const members = Object.entries(field as Readonly<Record<string, Json>>).map(
    ([name, member]) => [name, template(member, array ? `${location}[${name}]` : `${location}/${name}`, ambient)] as const,
  );
  return members.every(([, member]) => member.constant !== undefined) ? new Constant(field) : new Members(members, array);
}
