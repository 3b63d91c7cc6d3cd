/** Objects as JSON: with their classes, with cycles and with what several of them share. Closures cannot be written; each is named by its place. */
import type { Blobs } from './blobs.ts';
import type { Classes } from './classes.ts';
import { isPlain, type Skeleton, skeletonOf } from './skeleton.ts';

/** JSON. What no primitive of JSON is, is an array that begins with one of {@link MARK}. */
export type Encoded = string | number | boolean | null | readonly Encoded[] | { readonly [name: string]: Encoded };

export interface Graph {
  readonly root: Encoded;
  /** What is referred to more than once. */
  readonly shared: readonly Encoded[];
  /** Names of the classes, by their number. */
  readonly classes: readonly string[];
}

/** What an array stands for, by its first element. */
export const MARK = {
  array: 0,
  shared: 1,
  undefined: 2,
  number: 3,
  bigint: 4,
  date: 5,
  bytes: 6,
  blob: 7,
  map: 8,
  set: 9,
  instance: 10,
  made: 11,
  bare: 12,
} as const;

/** Smaller bytes stand in the graph itself. */
const BLOB = 4_096;

/** The state of the world cannot be saved at this moment. */
export class UnsavableError extends Error {
  /** What cannot be saved, each by its place and what it is. */
  readonly places: readonly string[];

  constructor(places: readonly string[]) {
    super(`cannot be saved: ${places.slice(0, 20).join('; ')}${places.length > 20 ? `; and ${places.length - 20} more` : ''}`);
    this.name = 'UnsavableError';
    this.places = places;
  }
}

/**
 * @param fresh the same, newly made: what it has of closures will be there again, so they need not be written
 * @throws UnsavableError
 */
export function encode(root: object, fresh: object, classes: Classes, blobs: Blobs): Graph {
  const writer = new Writer(skeletonOf(root, fresh), classes, blobs);
  writer.count(root);
  const encoded = writer.value(root, '');
  const shared = writer.rest();
  if (writer.wrong.length > 0) throw new UnsavableError(writer.wrong);
  return { root: encoded, shared, classes: writer.names };
}

class Writer {
  readonly wrong: string[] = [];
  readonly names: string[] = [];
  private readonly skeleton: Skeleton;
  private readonly classes: Classes;
  private readonly blobs: Blobs;
  private readonly seen = new Set<object>();
  private readonly several = new Map<object, number>();
  private readonly places: string[] = [];
  private readonly numbers = new Map<string, number>();

  constructor(skeleton: Skeleton, classes: Classes, blobs: Blobs) {
    this.skeleton = skeleton;
    this.classes = classes;
    this.blobs = blobs;
  }

  /** Finds what is referred to more than once. */
  count(root: object): void {
    const left: object[] = [root];
    const add = (value: unknown) => {
      if (typeof value !== 'object' || value === null) return;
      if (!this.seen.has(value)) {
        this.seen.add(value);
        left.push(value);
      } else if (!this.several.has(value)) this.several.set(value, this.several.size);
    };
    this.seen.add(root);
    for (let one = left.pop(); one !== undefined; one = left.pop()) for (const value of this.inside(one)) add(value);
  }

  private *inside(one: object): Iterable<unknown> {
    if (one instanceof Map) for (const [key, value] of one) yield* [key, value];
    else if (one instanceof Set || Array.isArray(one)) yield* one as Iterable<unknown>;
    else if (this.isOpen(one)) yield* Object.values(this.fields(one));
  }

  private isOpen(one: object): boolean {
    return isPlain(one) || this.classes.nameOf(one) !== undefined;
  }

  private fields(one: object): Readonly<Record<string, unknown>> {
    const { forgets } = this.classes.of(one);
    if (forgets.length === 0) return one as Readonly<Record<string, unknown>>;
    return Object.fromEntries(Object.entries(one).filter(([name]) => !forgets.includes(name)));
  }

  /** What is shared, in the order of its numbers. */
  rest(): readonly Encoded[] {
    return [...this.several.keys()].map((one, index) => this.object(one, this.places[index] ?? `shared ${index}`));
  }

  value(value: unknown, place: string): Encoded {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0) ? value : [MARK.number, Object.is(value, -0) ? '-0' : String(value)];
      case 'undefined':
        return [MARK.undefined];
      case 'bigint':
        return [MARK.bigint, String(value)];
      case 'object': {
        if (value === null) return null;
        const number = this.several.get(value);
        if (number === undefined) return this.object(value, place);
        this.places[number] ??= place;
        return [MARK.shared, number];
      }
      default:
        this.wrong.push(`${place} (a ${typeof value})`);
        return null;
    }
  }

  private object(one: object, place: string): Encoded {
    if (Array.isArray(one)) return [MARK.array, ...one.map((value, index) => this.value(value, `${place}[${index}]`))];
    if (one instanceof Date) return [MARK.date, one.getTime()];
    if (one instanceof Uint8Array) return this.bytes(one);
    if (one instanceof Map) return [MARK.map, ...this.pairs(one, place)];
    if (one instanceof Set) return [MARK.set, ...[...one].map((value) => this.value(value, `${place}'s element`))];
    const name = this.classes.nameOf(one);
    const refusal = this.classes.refusal(one);
    if (refusal !== undefined) this.wrong.push(`${place} (${refusal})`);
    if (name !== undefined) return [MARK.instance, this.number(name), this.members(one, place === '' ? name : place)];
    if (!isPlain(one)) {
      this.wrong.push(`${place} (a ${one.constructor?.name ?? 'thing'})`);
      return null;
    }
    return Object.getPrototypeOf(one) === null ? [MARK.bare, this.members(one, place)] : this.members(one, place);
  }

  private pairs(map: Map<unknown, unknown>, place: string): Encoded[] {
    const fresh = this.skeleton.get(map) as Map<unknown, unknown> | undefined;
    return [...map].flatMap(([key, value]) => [
      this.value(key, `${place}'s key`),
      // Made anew with the world, as a service's own host is.
      typeof value === 'function' && typeof fresh?.get(key) === 'function' ? [MARK.made] : this.value(value, `${place}[${nameOf(key)}]`),
    ]);
  }

  private members(one: object, place: string): Encoded {
    const members: Record<string, Encoded> = {};
    const fresh = this.skeleton.get(one) as Readonly<Record<string, unknown>> | undefined;
    for (const [name, value] of Object.entries(this.fields(one))) {
      // Made anew with the object that has it.
      if (typeof value === 'function' && typeof fresh?.[name] === 'function') continue;
      const encoded = this.value(value, `${place}.${name}`);
      if (name === '__proto__')
        Object.defineProperty(members, name, { value: encoded, enumerable: true, configurable: true, writable: true });
      else members[name] = encoded;
    }
    return members;
  }

  private bytes(bytes: Uint8Array): Encoded {
    const isBuffer = Buffer.isBuffer(bytes) ? 1 : 0;
    if (bytes.byteLength >= BLOB) return [MARK.blob, this.blobs.keep(bytes), isBuffer];
    return [MARK.bytes, Buffer.from(bytes).toString('base64'), isBuffer];
  }

  private number(name: string): number {
    let number = this.numbers.get(name);
    if (number === undefined) {
      number = this.names.push(name) - 1;
      this.numbers.set(name, number);
    }
    return number;
  }
}

const nameOf = (key: unknown) => (typeof key === 'object' ? 'an object' : String(key));
