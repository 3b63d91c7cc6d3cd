/** The intrinsic functions of JSONPath states. https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html */
import { createHash } from 'node:crypto';
import type { Json } from '../data.ts';
import type { Ambient } from '../functions.ts';

/** What a function was given makes no sense to it. */
export class IntrinsicError extends Error {}

type Run = (given: readonly Json[], ambient: Ambient) => Json;

interface Intrinsic {
  readonly least: number;
  readonly most: number;
  readonly run: Run;
}

/** Characters that are hashed or encoded, and members of a range. */
const LONGEST = 10_000;
const RANGE = 1000;

const wrong = (what: string): never => {
  throw new IntrinsicError(`Invalid arguments: ${what}`);
};
const array = (value: Json | undefined): readonly Json[] =>
  Array.isArray(value) ? (value as readonly Json[]) : wrong('an array is expected');
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : wrong('a string is expected'));
/** "If you specify a non-integer value, Step Functions will round it off to the nearest integer." */
const whole = (value: Json | undefined): number => (typeof value === 'number' ? Math.round(value) : wrong('a number is expected'));
const object = (value: Json | undefined): { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { readonly [name: string]: Json })
    : wrong('an object is expected');
const bounded = (value: string): string => (value.length > LONGEST ? wrong(`at most ${LONGEST} characters are allowed`) : value);
const same = (a: Json, b: Json) => a === b || JSON.stringify(a) === JSON.stringify(b);

const ALGORITHMS: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

function format([template, ...values]: readonly Json[]): string {
  let used = 0;
  const made = text(template).replace(/\\([\\{}'])|\{\}/g, (found, escaped: string | undefined) => {
    if (escaped !== undefined) return escaped;
    const value = values[used++];
    if (value === undefined) return found;
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
  if (used !== values.length) wrong(`the template has ${used} places, and ${values.length} values were given`);
  return made;
}

function range([first, last, step]: readonly Json[]): Json {
  const [from, to, by] = [whole(first), whole(last), whole(step)];
  if (by === 0) wrong('the step must not be 0');
  if ((to - from) / by >= RANGE) wrong(`a range has at most ${RANGE} members`);
  const items: number[] = [];
  for (let item = from; by > 0 ? item <= to : item >= to; item += by) items.push(item);
  return items;
}

function partition([list, size]: readonly Json[]): Json {
  const [all, many] = [array(list), whole(size)];
  if (many < 1) wrong('the size of a chunk must be positive');
  return Array.from({ length: Math.ceil(all.length / many) }, (_, index) => all.slice(index * many, (index + 1) * many));
}

function item([list, position]: readonly Json[]): Json {
  const found = array(list)[whole(position)];
  return found === undefined ? wrong('the index is out of the range of the array') : found;
}

function parse(written: string): Json {
  try {
    return JSON.parse(written) as Json;
  } catch {
    return wrong('the string is not JSON');
  }
}

function decoded(written: string): string {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(written)) wrong('the string is not Base64');
  return Buffer.from(written, 'base64').toString();
}

function hash([data, algorithm]: readonly Json[]): string {
  const name = ALGORITHMS[text(algorithm)] ?? wrong(`the algorithm must be one of ${Object.keys(ALGORITHMS).join(', ')}`);
  return createHash(name)
    .update(bounded(typeof data === 'string' ? data : JSON.stringify(data)))
    .digest('hex');
}

/** From the first number on, below the last. */
function random([first, last, seed]: readonly Json[], ambient: Ambient): number {
  const [from, to] = [whole(first), whole(last)];
  if (to <= from) wrong('the end must be greater than the start');
  const source = seed === undefined ? ambient.random : ambient.random.fork(String(whole(seed)));
  return from + source.integer(to - from);
}

function merge([one, other, deep]: readonly Json[]): Json {
  // "Step Functions currently supports only the shallow merging mode; therefore, you must specify the boolean value as false."
  if (deep !== false) wrong('only the shallow merging mode is supported: the third argument must be false');
  return { ...object(one), ...object(other) };
}

/** Each character of the second argument splits. */
function split([written, splitters]: readonly Json[]): Json {
  const at = new Set(text(splitters));
  const parts: string[] = [];
  let part = '';
  for (const character of text(written)) {
    if (!at.has(character)) part += character;
    else {
      parts.push(part);
      part = '';
    }
  }
  return [...parts, part].filter((one) => one !== '');
}

const of = (least: number, most: number, run: Run): Intrinsic => ({ least, most, run });

/** By name, without `States.`. */
export const INTRINSICS: Readonly<Record<string, Intrinsic>> = {
  Array: of(0, Number.POSITIVE_INFINITY, (given) => [...given]),
  ArrayContains: of(2, 2, ([list, value]) => array(list).some((one) => same(one, value!))),
  ArrayGetItem: of(2, 2, item),
  ArrayLength: of(1, 1, ([list]) => array(list).length),
  ArrayPartition: of(2, 2, partition),
  ArrayRange: of(3, 3, range),
  ArrayUnique: of(1, 1, ([list]) => array(list).filter((one, index, all) => all.findIndex((other) => same(one, other)) === index)),
  Base64Decode: of(1, 1, ([data]) => decoded(bounded(text(data)))),
  Base64Encode: of(1, 1, ([data]) => Buffer.from(bounded(text(data))).toString('base64')),
  Format: of(1, Number.POSITIVE_INFINITY, format),
  Hash: of(2, 2, hash),
  JsonMerge: of(3, 3, merge),
  JsonToString: of(1, 1, ([value]) => JSON.stringify(value)),
  MathAdd: of(2, 2, ([a, b]) => whole(a) + whole(b)),
  MathRandom: of(2, 3, random),
  StringSplit: of(2, 2, split),
  StringToJson: of(1, 1, ([written]) => parse(text(written))),
  UUID: of(0, 0, (_, ambient) => ambient.random.uuid()),
};
