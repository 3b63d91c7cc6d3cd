/** The shapes of requests and answers, compiled from the schemas that each SDK client exports, and the check against them. */
import { NormalizedSchema } from '@smithy/core/schema';

type Traits = Readonly<Record<string, unknown>>;

export interface Member {
  readonly name: string;
  readonly shape: Shape;
  /** As the client's schema says: httpLabel, httpHeader, xmlName, jsonName, … */
  readonly traits: Traits;
}

export interface Structure {
  readonly kind: 'structure';
  readonly name: string;
  readonly union: boolean;
  readonly members: ReadonlyMap<string, Member>;
  readonly required: readonly string[];
  readonly traits: Traits;
}

export interface List {
  readonly kind: 'list';
  readonly item: Member;
  readonly traits: Traits;
}

export interface MapShape {
  readonly kind: 'map';
  readonly key: Member;
  readonly value: Member;
  readonly traits: Traits;
}

export interface Scalar {
  readonly kind: 'string' | 'number' | 'boolean' | 'blob' | 'document' | 'unit';
  /** Of a string: the values of the client's constant. */
  readonly values?: ReadonlySet<string>;
}

export interface Timestamp {
  readonly kind: 'timestamp';
  /** `protocol`: as the place in the message says. */
  readonly format: 'protocol' | 'date-time' | 'http-date' | 'epoch-seconds';
}

export type Shape = Structure | List | MapShape | Scalar | Timestamp;

/** Which constant of the client lists the values of a member: a name, or for maps `Key=>Value` with either side empty. */
export type EnumOf = (
  structure: string,
  member: string,
) => { readonly key?: ReadonlySet<string>; readonly value?: ReadonlySet<string> } | undefined;

const FORMATS = { 4: 'protocol', 5: 'date-time', 6: 'http-date', 7: 'epoch-seconds' } as const;

/** Compiles the schemas of one client. Structures are shared and their members compiled when first looked at, so cycles are no matter. */
export class Shapes {
  private readonly enumOf: EnumOf;
  private readonly structures = new Map<unknown, Structure>();

  constructor(enumOf: EnumOf) {
    this.enumOf = enumOf;
  }

  of(schema: unknown): Shape {
    return this.compile(NormalizedSchema.of(schema as never), undefined);
  }

  private compile(schema: NormalizedSchema, values: ReturnType<EnumOf>): Shape {
    if (schema.isUnitSchema()) return { kind: 'unit' };
    if (schema.isStructSchema()) return this.structure(schema);
    const traits = schema.getMergedTraits() as Traits;
    const member = (part: NormalizedSchema, name: string, of: ReturnType<EnumOf>): Member => {
      const shape = this.compile(part, of);
      return { name, shape, traits: part.getMergedTraits() as Traits };
    };
    if (schema.isListSchema()) return { kind: 'list', item: member(schema.getValueSchema(), 'member', values), traits };
    if (schema.isMapSchema()) {
      const key = values?.key && { value: values.key };
      return {
        kind: 'map',
        key: member(schema.getKeySchema(), 'key', key),
        value: member(schema.getValueSchema(), 'value', values),
        traits,
      };
    }
    if (schema.isTimestampSchema()) return { kind: 'timestamp', format: FORMATS[schema.getSchema() as keyof typeof FORMATS] };
    if (schema.isBlobSchema()) return { kind: 'blob' };
    if (schema.isBooleanSchema()) return { kind: 'boolean' };
    if (schema.isNumericSchema() || schema.isBigIntegerSchema() || schema.isBigDecimalSchema()) return { kind: 'number' };
    if (schema.isDocumentSchema()) return { kind: 'document' };
    return { kind: 'string', values: values?.value };
  }

  private structure(schema: NormalizedSchema): Structure {
    const raw = schema.getSchema() as unknown as readonly [number, string, string, unknown, string[], unknown[], number?];
    const known = this.structures.get(raw);
    if (known !== undefined) return known;
    const name = raw[2];
    let members: Map<string, Member> | undefined;
    const compileMembers = () => {
      const found = new Map<string, Member>();
      for (const [member, part] of schema.structIterator())
        found.set(member, { name: member, shape: this.compile(part, this.enumOf(name, member)), traits: part.getMergedTraits() as Traits });
      return found;
    };
    const structure: Structure = {
      kind: 'structure',
      name,
      union: schema.isUnionSchema(),
      get members() {
        members ??= compileMembers();
        return members;
      },
      // The seventh field of a structure's schema says how many of its members, from the first, are required.
      required: raw[4].slice(0, raw[6] ?? 0),
      traits: schema.getOwnTraits() as Traits,
    };
    this.structures.set(raw, structure);
    return structure;
  }
}

/** Where a value does not fit its shape. */
export interface Misfit {
  readonly kind: 'unknown' | 'type' | 'missing' | 'value';
  /** `containerDefinitions[0].essential`; empty for the whole. */
  readonly path: string;
  readonly text: string;
}

const join = (path: string, name: string) => (path === '' || name.startsWith('[') ? path + name : `${path}.${name}`);

/** A misfit on its way up: the way to it is put together only if there is one. */
interface Found {
  readonly kind: Misfit['kind'];
  /** From the inside out: `essential`, `[0]`, `containerDefinitions`. */
  readonly steps: string[];
  readonly text: (path: string) => string;
}

/**
 * The first place where `value`, in the SDK's form (Date, Uint8Array), does not fit; undefined if all of it does.
 * @param formOnly leaves out whether required members are there and constants are known: of requests that is said for all places at once
 */
export function misfit(shape: Shape, value: unknown, formOnly = false): Misfit | undefined {
  const found = find(shape, value, formOnly);
  if (found === undefined) return undefined;
  const path = found.steps.reduceRight(join, '');
  return { kind: found.kind, path, text: found.text(path) };
}

const wrong = (expected: string, value: unknown): Found => ({
  kind: 'type',
  steps: [],
  text: () => `expected ${expected}, got ${describe(value)}`,
});

function under(step: string, found: Found | undefined): Found | undefined {
  found?.steps.push(step);
  return found;
}

function find(shape: Shape, value: unknown, formOnly: boolean): Found | undefined {
  switch (shape.kind) {
    case 'structure':
      return isRecord(value) ? findInStructure(shape, value, formOnly) : wrong(`a structure (${shape.name})`, value);
    case 'list': {
      if (!Array.isArray(value)) return wrong('a list', value);
      for (let index = 0; index < value.length; index++) {
        const found = find(shape.item.shape, value[index], formOnly);
        if (found !== undefined) return under(`[${index}]`, found);
      }
      return undefined;
    }
    case 'map': {
      if (!isRecord(value)) return wrong('a map', value);
      for (const key of Object.keys(value)) {
        const one = value[key];
        if (one === undefined) continue;
        const found = find(shape.key.shape, key, formOnly) ?? under(key, find(shape.value.shape, one, formOnly));
        if (found !== undefined) return found;
      }
      return undefined;
    }
    case 'string': {
      if (typeof value !== 'string') return wrong('a string', value);
      const { values } = shape;
      if (formOnly || values === undefined || values.has(value)) return undefined;
      const text = (path: string) =>
        `Value '${value}' at '${path}' failed to satisfy constraint: Member must satisfy enum value set: [${[...values].join(', ')}]`;
      return { kind: 'value', steps: [], text };
    }
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint' ? undefined : wrong('a number', value);
    case 'boolean':
      return typeof value === 'boolean' ? undefined : wrong('true or false', value);
    case 'timestamp':
      return value instanceof Date && !Number.isNaN(value.getTime()) ? undefined : wrong('a Date', value);
    case 'blob':
      return value instanceof Uint8Array ? undefined : wrong('bytes', value);
    case 'document':
    case 'unit':
      return undefined;
  }
}

function findInStructure(shape: Structure, value: Record<string, unknown>, formOnly: boolean): Found | undefined {
  const { members } = shape;
  let given = 0;
  for (const name of Object.keys(value)) {
    const one = value[name];
    if (one === undefined) continue;
    given++;
    const member = members.get(name);
    if (member === undefined) return { kind: 'unknown', steps: [name], text: () => `unknown member "${name}" of ${shape.name}` };
    const found = find(member.shape, one, formOnly);
    if (found !== undefined) return under(name, found);
  }
  for (const name of formOnly ? [] : shape.required)
    if (value[name] === undefined || value[name] === null) {
      const text = (path: string) => `Value null at '${path}' failed to satisfy constraint: Member must not be null`;
      return { kind: 'missing', steps: [name], text };
    }
  if (shape.union && given !== 1)
    return { kind: 'type', steps: [], text: () => `the union ${shape.name} needs exactly one of ${[...members.keys()].join(', ')}` };
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date) && !(value instanceof Uint8Array);
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a Date';
  if (value instanceof Uint8Array) return 'bytes';
  return typeof value === 'object' ? 'a structure' : `the ${typeof value} ${JSON.stringify(value)}`;
}
