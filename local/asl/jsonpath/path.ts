/** Paths as JSONPath states write them: `$.a[0]`, `$$.State.Name`, `$variable.b`; what they find is what Jayway JsonPath finds, which AWS reads them with. */
import type { Json } from '../data.ts';

/** What a path starts from. */
export type Scope = { readonly kind: 'input' } | { readonly kind: 'context' } | { readonly kind: 'variable'; readonly name: string };

export type Segment =
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'indices'; readonly indices: readonly number[] }
  | { readonly kind: 'slice'; readonly from: number | undefined; readonly to: number | undefined }
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'filter'; readonly test: (value: Json, root: Json) => boolean }
  | { readonly kind: 'descend' };

export interface Path {
  readonly source: string;
  readonly scope: Scope;
  readonly segments: readonly Segment[];
  /** It names one place: what is there is the value. Otherwise the value is the list of all that match. */
  readonly definite: boolean;
  /** Only names and single indices: a place that can be written to. https://states-language.net/#path */
  readonly reference: boolean;
}

/** Nothing is at the place; the message is Jayway's. */
export class NothingFound extends Error {}

export function pathOf(source: string, scope: Scope, segments: readonly Segment[]): Path {
  const single = (segment: Segment) =>
    (segment.kind === 'names' && segment.names.length === 1) || (segment.kind === 'indices' && segment.indices.length === 1);
  const reference = segments.every(single);
  // Several names at the end give one object.
  const merged = segments.slice(0, -1).every(single) && segments.at(-1)?.kind === 'names';
  return { source, scope, segments, definite: reference || merged, reference };
}

/** The value at a path. @throws NothingFound */
export function find({ segments, definite }: Pick<Path, 'segments' | 'definite'>, root: Json): Json {
  const found: Json[] = [];
  new Search(segments, root, found).visit(root, 0, '$', true);
  if (!definite) return found;
  const [value] = found;
  if (value === undefined) throw new NothingFound(`No results for path: $${segments.map(written).join('')}`);
  return value;
}

const written = (segment: Segment): string =>
  segment.kind === 'names'
    ? `[${segment.names.map((name) => `'${name}'`).join(',')}]`
    : segment.kind === 'indices'
      ? `[${segment.indices.join(',')}]`
      : '[*]';

type Members = { readonly [name: string]: Json };
const isMembers = (value: Json): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value);

class Search {
  private readonly segments: readonly Segment[];
  private readonly root: Json;
  private readonly found: Json[];

  constructor(segments: readonly Segment[], root: Json, found: Json[]) {
    this.segments = segments;
    this.root = root;
    this.found = found;
  }

  /** @param sure only single names and indices led here, so that something must be there */
  visit(value: Json, position: number, at: string, sure: boolean): void {
    const segment = this.segments[position];
    if (segment === undefined) {
      this.found.push(value);
      return;
    }
    switch (segment.kind) {
      case 'names':
        this.names(segment.names, value, position, at, sure);
        return;
      case 'indices':
        this.indices(segment.indices, value, position, at, sure);
        return;
      case 'slice':
        for (const [index, one] of this.slice(segment, value, at, sure)) this.visit(one, position + 1, `${at}[${index}]`, false);
        return;
      case 'wildcard':
        for (const one of childrenOf(value)) this.visit(one, position + 1, `${at}[*]`, false);
        return;
      case 'filter':
        for (const one of Array.isArray(value) ? (value as readonly Json[]) : [value])
          if (segment.test(one, this.root)) this.visit(one, position + 1, `${at}[?]`, false);
        return;
      case 'descend':
        this.descend(value, position + 1, at);
    }
  }

  private names(names: readonly string[], value: Json, position: number, at: string, sure: boolean): void {
    const leaf = position === this.segments.length - 1;
    const [name = ''] = names;
    if (!isMembers(value)) {
      if (sure)
        throw new NothingFound(
          `Expected to find an object with property ['${name}'] in path ${at} but found '${typeNameOf(value)}'. This is not a json object according to the JsonProvider: 'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'.`,
        );
      return;
    }
    if (names.length > 1) {
      const there = names.filter((one) => Object.hasOwn(value, one));
      // At the end of a path, several names give one object with these members.
      if (leaf) this.found.push(Object.fromEntries(there.map((one) => [one, value[one]!])));
      else for (const one of there) this.visit(value[one]!, position + 1, `${at}['${one}']`, false);
      return;
    }
    if (Object.hasOwn(value, name)) this.visit(value[name]!, position + 1, `${at}['${name}']`, sure);
    else if (!leaf && sure) throw new NothingFound(`Missing property in path ${at}['${name}']`);
  }

  private indices(indices: readonly number[], value: Json, position: number, at: string, sure: boolean): void {
    const list = this.list(value, `[${indices.join(',')}]`, at, sure);
    for (const index of indices) {
      const one = list.at(index);
      if (one !== undefined) this.visit(one, position + 1, `${at}[${index}]`, sure && indices.length === 1);
    }
  }

  private slice(
    { from, to }: { readonly from: number | undefined; readonly to: number | undefined },
    value: Json,
    at: string,
    sure: boolean,
  ) {
    const list = this.list(value, `[${from ?? ''}:${to ?? ''}]`, at, sure);
    const first = from === undefined ? 0 : from < 0 ? Math.max(0, list.length + from) : from;
    return list.slice(from, to).map((one, index) => [first + index, one] as const);
  }

  private list(value: Json, what: string, at: string, sure: boolean): readonly Json[] {
    if (Array.isArray(value)) return value as readonly Json[];
    if (!sure) return [];
    if (value === null) throw new NothingFound(`The path ${at} is null`);
    throw new NothingFound(`Filter: ${what} can only be applied to arrays. Current context is: ${JSON.stringify(value)}`);
  }

  /** The next segment, here and everywhere below. */
  private descend(value: Json, position: number, at: string): void {
    this.visit(value, position, at, false);
    for (const one of childrenOf(value)) this.descend(one, position, `${at}..`);
  }
}

const childrenOf = (value: Json): readonly Json[] =>
  Array.isArray(value) ? (value as readonly Json[]) : isMembers(value) ? Object.values(value) : [];

const typeNameOf = (value: Json): string =>
  value === null ? 'null' : Array.isArray(value) ? 'net.minidev.json.JSONArray' : `java.lang.${JAVA[typeof value] ?? 'Object'}`;
const JAVA: Readonly<Record<string, string>> = { string: 'String', number: 'Number', boolean: 'Boolean' };

/** A copy of `root` with `value` at a reference path; what lies on the way is made. Undefined where something else is in the way. */
export function placed(root: Json, { segments }: Path, value: Json): Json | undefined {
  const place = (inside: Json | undefined, position: number): Json | undefined => {
    const segment = segments[position];
    if (segment === undefined) return value;
    if (segment.kind === 'names') {
      if (inside !== undefined && !isMembers(inside)) return undefined;
      const [name = ''] = segment.names;
      const inner = place(inside?.[name], position + 1);
      return inner === undefined ? undefined : { ...inside, [name]: inner };
    }
    if (segment.kind !== 'indices' || !Array.isArray(inside)) return undefined;
    const list = [...(inside as readonly Json[])];
    const [index = 0] = segment.indices;
    if (index < 0 || index >= list.length) return undefined;
    const inner = place(list[index], position + 1);
    if (inner === undefined) return undefined;
    list[index] = inner;
    return list;
  };
  return place(root, 0);
}
