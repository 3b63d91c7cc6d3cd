/** JSON bodies, both ways: SDK-shaped values here, wire values there. */
import type { MapShape, Member, Shape, Structure, Timestamp } from './shape.ts';

const wireName = (member: Member) => (member.traits.jsonName as string | undefined) ?? member.name;

const plain = new WeakMap<Shape, boolean>();

/** Whether values of a shape, whatever lies in them, are the same on the wire: no bytes, no timestamps, no other names. */
function isPlain(shape: Shape): boolean {
  let known = plain.get(shape);
  if (known === undefined) {
    known = [...within(shape)].every((one) => {
      if (one.kind === 'structure') return wireNames(one.members) === undefined;
      return one.kind !== 'timestamp' && one.kind !== 'blob';
    });
    plain.set(shape, known);
  }
  return known;
}

/** A shape and all that its values are made of. */
function within(shape: Shape, found = new Set<Shape>()): ReadonlySet<Shape> {
  if (found.has(shape)) return found;
  found.add(shape);
  if (shape.kind === 'structure') for (const member of shape.members.values()) within(member.shape, found);
  if (shape.kind === 'list') within(shape.item.shape, found);
  if (shape.kind === 'map') within(shape.value.shape, found);
  return found;
}

/** A JSON body as SDK-shaped value. @throws SyntaxError */
export function readJson(shape: Shape, text: string, lenient: boolean): unknown {
  const value: unknown = JSON.parse(text);
  // Without a null there is nothing to leave out.
  return !lenient && isPlain(shape) && !text.includes('null') ? value : fromJson(shape, value, lenient);
}

/**
 * A parsed JSON body as SDK-shaped value, made of the very objects that were parsed. What does not fit is passed on as it came,
 * for the check to name it.
 * @param lenient leave out what the shape does not know
 */
export function fromJson(shape: Shape, value: unknown, lenient = false): unknown {
  if (value === null || value === undefined) return undefined;
  switch (shape.kind) {
    case 'structure':
      return isObject(value) ? structureFromJson(shape, value, lenient) : value;
    case 'list': {
      if (!Array.isArray(value)) return value;
      for (let index = 0; index < value.length; index++) value[index] = fromJson(shape.item.shape, value[index], lenient) ?? null;
      return value;
    }
    case 'map': {
      if (!isObject(value)) return value;
      for (const key of Object.keys(value)) put(value, key, key, fromJson(shape.value.shape, value[key], lenient));
      return value;
    }
    case 'timestamp':
      return instant(shape, value);
    case 'blob':
      return typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'base64')) : value;
    default:
      return value;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function structureFromJson(shape: Structure, value: Record<string, unknown>, lenient: boolean): Record<string, unknown> {
  const { members } = shape;
  const byWire = wireNames(members);
  for (const name of Object.keys(value)) {
    const one = value[name];
    const member = byWire?.get(name) ?? members.get(name);
    if (member !== undefined) put(value, name, member.name, fromJson(member.shape, one, lenient));
    else if (lenient || one === null) delete value[name];
  }
  return value;
}

/** Puts `decoded` where the wire had something else, or takes it out. */
function put(holder: Record<string, unknown>, wire: string, name: string, decoded: unknown): void {
  if (decoded === undefined || wire !== name) delete holder[wire];
  if (decoded === undefined || (wire === name && decoded === holder[name])) return;
  Object.defineProperty(holder, name, { value: decoded, enumerable: true, writable: true, configurable: true });
}

const renamed = new WeakMap<ReadonlyMap<string, Member>, ReadonlyMap<string, Member> | null>();

/** Members by their name on the wire; undefined where all are called the same. */
function wireNames(members: ReadonlyMap<string, Member>): ReadonlyMap<string, Member> | undefined {
  let found = renamed.get(members);
  if (found === undefined) {
    const other = [...members.values()].filter((member) => wireName(member) !== member.name);
    found = other.length === 0 ? null : new Map(other.map((member) => [wireName(member), member]));
    renamed.set(members, found);
  }
  return found ?? undefined;
}

function instant(shape: Timestamp, value: unknown): unknown {
  if (typeof value === 'number') return new Date(Math.round(value * 1000));
  if (typeof value === 'string' && shape.format !== 'epoch-seconds') return new Date(value);
  return value;
}

/** An SDK-shaped value, already checked, as JSON text. */
export const writeJson = (shape: Shape, value: unknown): string => JSON.stringify(isPlain(shape) ? value : (toJson(shape, value) ?? {}));

/** An SDK-shaped value, already checked, as JSON value: itself, as far as the wire does not differ. */
export function toJson(shape: Shape, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  switch (shape.kind) {
    case 'structure':
      return structureToJson(shape, value as Record<string, unknown>);
    case 'list': {
      const items = value as readonly unknown[];
      return isPlain(shape) ? items : items.map((one) => toJson(shape.item.shape, one) ?? null);
    }
    case 'map':
      return mapToJson(shape, value as Record<string, unknown>);
    case 'timestamp':
      return timestampText(shape, value as Date, 'epoch-seconds');
    case 'blob':
      return Buffer.from(value as Uint8Array).toString('base64');
    default:
      return value;
  }
}

function structureToJson(shape: Structure, value: Record<string, unknown>): object {
  const { members } = shape;
  let result: Record<string, unknown> | undefined;
  for (const name of Object.keys(value)) {
    const member = members.get(name);
    const one = value[name];
    const wire = member && wireName(member);
    const json = member && toJson(member.shape, one);
    if (json === one && wire === name) continue;
    result ??= { ...value };
    if (wire !== name || json === undefined) delete result[name];
    if (wire !== undefined && json !== undefined) result[wire] = json;
  }
  return result ?? value;
}

function mapToJson(shape: MapShape, value: Record<string, unknown>): object {
  let result: Record<string, unknown> | undefined;
  for (const key of Object.keys(value)) {
    const json = toJson(shape.value.shape, value[key]);
    if (json === value[key]) continue;
    result ??= { ...value };
    Object.defineProperty(result, key, { value: json, enumerable: true, writable: true, configurable: true });
  }
  return result ?? value;
}

/** A timestamp in its own format, or in that of its place. Only epoch seconds are a number. */
export function timestampText(shape: Timestamp, value: Date, place: Exclude<Timestamp['format'], 'protocol'>): string | number {
  switch (shape.format === 'protocol' ? place : shape.format) {
    case 'epoch-seconds':
      return value.getTime() / 1000;
    case 'http-date':
      return value.toUTCString();
    default:
      return value.toISOString().replace('.000Z', 'Z');
  }
}
