/** The way back from JSON to objects: what a newly made world has already is kept and filled, all else is made. */

import type { Blobs } from './blobs.ts';
import type { Classes } from './classes.ts';
import { type Encoded, type Graph, MARK } from './encode.ts';

/** What was saved does not fit what is there. */
export class LoadError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LoadError';
  }
}

type Fields = Record<string, unknown>;
type Marked = readonly [number, ...Encoded[]];

/** Fills `fresh` with what was saved of its like. @throws LoadError */
export function decode(graph: Graph, fresh: object, classes: Classes, blobs: Blobs): void {
  const reader = new Reader(graph, classes, blobs);
  reader.pair(graph.root, fresh);
  reader.value(graph.root);
}

class Reader {
  private readonly graph: Graph;
  private readonly classes: Classes;
  private readonly blobs: Blobs;
  /** What is there already, by what is to be read. */
  private readonly there = new Map<Encoded, object>();
  private readonly shared: (object | undefined)[] = [];

  constructor(graph: Graph, classes: Classes, blobs: Blobs) {
    this.graph = graph;
    this.classes = classes;
    this.blobs = blobs;
  }

  /** Finds, as {@link skeletonOf} does, what is there already. */
  pair(root: Encoded, fresh: object): void {
    const taken = new Set<object>();
    const left: (readonly [Encoded | undefined, unknown])[] = [[root, fresh]];
    for (let pair = left.pop(); pair !== undefined; pair = left.pop()) {
      const [given, other] = pair;
      if (typeof given !== 'object' || given === null || typeof other !== 'object' || other === null) continue;
      const encoded = this.resolve(given);
      if (this.there.has(encoded) || taken.has(other)) continue;
      const inside = this.counterparts(encoded, other);
      if (inside === undefined) continue;
      this.there.set(encoded, other);
      taken.add(other);
      left.push(...inside);
    }
  }

  private resolve(encoded: Encoded): Encoded {
    return Array.isArray(encoded) && encoded[0] === MARK.shared ? this.graph.shared[encoded[1] as number]! : encoded;
  }

  /** What is inside of both; undefined where they are not of one kind. */
  private counterparts(encoded: Encoded, other: object): (readonly [Encoded | undefined, unknown])[] | undefined {
    const isArray = Array.isArray(encoded);
    const kind = isArray ? encoded[0] : undefined;
    const prototype: unknown = Object.getPrototypeOf(other);
    const members = (fields: Encoded) =>
      Object.entries(other).map(([name, value]): [Encoded | undefined, unknown] => [
        (fields as Readonly<Record<string, Encoded>>)[name],
        value,
      ]);
    if (!isArray) return prototype === Object.prototype ? members(encoded) : undefined;
    const [, first, second] = encoded as readonly Encoded[];
    switch (kind) {
      case MARK.instance:
        return prototype === this.classes.prototype(this.graph.classes[first as number]!) ? members(second!) : undefined;
      case MARK.bare:
        return prototype === null ? members(first!) : undefined;
      case MARK.array:
        return Array.isArray(other) ? other.map((value, index) => [(encoded as readonly Encoded[])[index + 1], value]) : undefined;
      case MARK.map: {
        if (!(other instanceof Map)) return undefined;
        const pairs: [Encoded | undefined, unknown][] = [];
        for (let index = 1; index < encoded.length; index += 2) {
          const key = (encoded as readonly Encoded[])[index];
          if (typeof key === 'string' && other.has(key)) pairs.push([(encoded as readonly Encoded[])[index + 1], other.get(key)]);
        }
        return pairs;
      }
      default:
        return undefined;
    }
  }

  value(encoded: Encoded): unknown {
    if (typeof encoded !== 'object' || encoded === null) return encoded;
    if (!Array.isArray(encoded))
      return this.fill(
        this.made(encoded, () => ({})),
        encoded as Readonly<Record<string, Encoded>>,
      );
    const [kind, first, second] = encoded as unknown as Marked;
    switch (kind) {
      case MARK.undefined:
        return undefined;
      case MARK.number:
        return Number(first);
      case MARK.bigint:
        return BigInt(first as string);
      case MARK.shared:
        return this.refer(first as number);
      default:
        return this.object(encoded as unknown as Marked, kind, first, second);
    }
  }

  private refer(number: number): unknown {
    const found = this.shared[number];
    if (found !== undefined) return found;
    const encoded = this.graph.shared[number]!;
    if (!Array.isArray(encoded)) {
      const made = this.made(encoded, () => ({}));
      this.shared[number] = made;
      return this.fill(made, encoded as Readonly<Record<string, Encoded>>);
    }
    const [kind, first, second] = encoded as unknown as Marked;
    return this.object(encoded as unknown as Marked, kind, first, second, (made) => {
      this.shared[number] = made;
    });
  }

  private made<Kind extends object>(encoded: Encoded, make: () => Kind): Kind {
    return (this.there.get(encoded) ?? make()) as Kind;
  }

  private object(
    encoded: Marked,
    kind: number,
    first: Encoded | undefined,
    second: Encoded | undefined,
    tell: (made: object) => void = () => undefined,
  ): object {
    const known = <Kind extends object>(make: () => Kind): Kind => {
      const made = this.made(encoded as unknown as Encoded, make);
      tell(made);
      return made;
    };
    switch (kind) {
      case MARK.array: {
        const made = known((): unknown[] => []);
        made.length = 0;
        for (let index = 1; index < encoded.length; index++) made.push(this.value(encoded[index]!));
        return made;
      }
      case MARK.date:
        return known(() => new Date(first as number));
      case MARK.bytes: {
        const bytes = Buffer.from(first as string, 'base64');
        return known(() => (second === 1 ? bytes : new Uint8Array(bytes)));
      }
      case MARK.blob: {
        const bytes = this.blobs.read(first as string);
        return known(() => (second === 1 ? Buffer.from(bytes) : bytes));
      }
      case MARK.map: {
        const made = known(() => new Map<unknown, unknown>());
        const before = new Map(made);
        made.clear();
        for (let index = 1; index < encoded.length; index += 2) {
          const key = this.value(encoded[index]!);
          const value = encoded[index + 1]!;
          made.set(key, isMade(value) ? before.get(key) : this.value(value));
        }
        return made;
      }
      case MARK.set: {
        const made = known(() => new Set<unknown>());
        made.clear();
        for (let index = 1; index < encoded.length; index++) made.add(this.value(encoded[index]!));
        return made;
      }
      case MARK.instance: {
        const name = this.graph.classes[first as number]!;
        const prototype = this.classes.prototype(name);
        if (prototype === undefined) throw new LoadError(`this version of local AWS knows no ${name}`);
        const made = known(() => Object.create(prototype) as object);
        return this.fill(made, second as Readonly<Record<string, Encoded>>);
      }
      case MARK.bare:
        return this.fill(
          known(() => Object.create(null) as object),
          first as Readonly<Record<string, Encoded>>,
        );
      default:
        throw new LoadError(`what is saved as ${kind} is unknown`);
    }
  }

  private fill(made: object, encoded: Readonly<Record<string, Encoded>>): object {
    const { forgets, instead } = this.classes.of(made);
    if (instead !== undefined && !forgets.some((name) => Object.hasOwn(made, name))) Object.assign(made, instead());
    for (const name of Object.keys(made))
      if (!Object.hasOwn(encoded, name) && !forgets.includes(name) && typeof (made as Fields)[name] !== 'function')
        delete (made as Fields)[name];
    for (const name of Object.keys(encoded)) {
      const value = this.value(encoded[name]!);
      if (name === '__proto__') Object.defineProperty(made, name, { value, enumerable: true, configurable: true, writable: true });
      else (made as Fields)[name] = value;
    }
    return made;
  }
}

const isMade = (encoded: Encoded) => Array.isArray(encoded) && encoded[0] === MARK.made;
