/** The functions that Step Functions adds to JSONata, and those that must come from the world's clock and chance. */
import { createHash } from 'node:crypto';
import jsonata from 'jsonata';
import type { Random } from '../core/random.ts';

/** What expressions may ask of the world. */
export interface Ambient {
  /** Milliseconds since the epoch. */
  now(): number;
  readonly random: Random;
}

/** Functions of the JSONata language, without those that this file defines. https://docs.jsonata.org */
const LANGUAGE = `sum count max min average string substring substringBefore substringAfter lowercase uppercase length trim pad match
contains replace split join formatNumber formatBase formatInteger parseInteger number floor ceil round abs sqrt power boolean not map zip
filter single reduce sift keys lookup append exists spread merge reverse each error assert type sort distinct base64encode base64decode
encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl toMillis fromMillis`.split(/\s+/);

/** Every function that an expression of a state machine may call, without the dollar sign; `$eval` is refused by AWS. */
export const FUNCTIONS: ReadonlySet<string> = new Set([
  ...LANGUAGE,
  ...['partition', 'range', 'hash', 'random', 'uuid', 'parse', 'shuffle', 'now', 'millis'],
]);

const ALGORITHMS: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

// Without one of jsonata's codes, whose own text would replace this one.
const refuse = (name: string, wanted: string) => new Error(`The argument of function "${name}" ${wanted}`);

/** A sequence of JSONata: of one member it becomes that member. */
function sequence(items: unknown[]): unknown[] {
  Object.defineProperty(items, 'sequence', { value: true });
  return items;
}

function partition(array: unknown, size: unknown): unknown {
  if (array === undefined || size === undefined) return undefined;
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 1) throw refuse('partition', 'must be a positive whole number');
  const all = Array.isArray(array) ? array : [array];
  const parts: unknown[] = [];
  for (let from = 0; from < all.length; from += size) parts.push(all.slice(from, from + size));
  return parts;
}

function range(first: unknown, last: unknown, step: unknown): unknown {
  if (first === undefined || last === undefined || step === undefined) return undefined;
  const [from, to, by] = [first, last, step].map((bound) => {
    if (typeof bound !== 'number' || !Number.isInteger(bound)) throw refuse('range', 'must be a whole number');
    return bound;
  }) as [number, number, number];
  if (by === 0) throw refuse('range', 'must not be zero');
  // The limit of States.ArrayRange, the same function of the other query language.
  if ((to - from) / by >= 1000) throw refuse('range', 'must give at most 1000 members');
  const items: number[] = [];
  for (let item = from; by > 0 ? item <= to : item >= to; item += by) items.push(item);
  return sequence(items);
}

function hash(content: unknown, algorithm: unknown): unknown {
  if (content === undefined) return undefined;
  const name = typeof algorithm === 'string' ? ALGORITHMS[algorithm] : undefined;
  if (name === undefined) throw refuse('hash', `must be one of ${Object.keys(ALGORITHMS).join(', ')}`);
  return createHash(name)
    .update(typeof content === 'string' ? content : JSON.stringify(content))
    .digest('hex');
}

function parse(text: unknown): unknown {
  if (text === undefined) return undefined;
  if (typeof text !== 'string') throw refuse('parse', 'must be a string');
  try {
    return JSON.parse(text);
  } catch {
    throw refuse('parse', `must be JSON: ${text}`);
  }
}

const formatTime = jsonata('$fromMillis($time, $picture, $timezone)');

/** Gives an expression its functions. https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#jsonata-functions-provided-by-sfn */
export function register(expression: jsonata.Expression, ambient: Ambient): void {
  const { random } = ambient;
  const functions: Readonly<Record<string, (...given: unknown[]) => unknown>> = {
    partition,
    range,
    hash,
    parse,
    uuid: () => random.uuid(),
    random: (seed) => (seed === undefined ? random.next() : random.fork(String(seed)).next()),
    shuffle: (array) => {
      if (!Array.isArray(array)) return array;
      const mixed = [...array];
      for (let last = mixed.length - 1; last > 0; last--) {
        const other = random.integer(last + 1);
        [mixed[last], mixed[other]] = [mixed[other], mixed[last]];
      }
      return mixed;
    },
    millis: () => ambient.now(),
    now: (picture, timezone) =>
      picture === undefined && timezone === undefined
        ? new Date(ambient.now()).toISOString()
        : formatTime.evaluate(undefined, { time: ambient.now(), picture, timezone }),
  };
  for (const [name, run] of Object.entries(functions)) expression.registerFunction(name, run);
  expression.assign('eval', undefined);
}
