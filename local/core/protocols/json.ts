/** JSON bodies, both ways: SDK-shaped values here, wire values there. */
import type { Member, Shape, Timestamp } from './shape.ts';

const wireName = (member: Member) => (member.traits.jsonName as string | undefined) ?? member.name;

/**
 * A parsed JSON body as SDK-shaped value. What does not fit is passed on as it came, for the check to name it.
 * @param lenient leave out what the shape does not know
 */
export function fromJson(shape: Shape, value: unknown, lenient = false): unknown {
  if (value === null || value === undefined) return undefined;
  switch (shape.kind) {
    case 'structure': {
      if (typeof value !== 'object' || Array.isArray(value)) return value;
      const byWire = wireNames(shape.members);
      const result: Record<string, unknown> = {};
      for (const [name, one] of Object.entries(value)) {
        const member = byWire?.get(name) ?? shape.members.get(name);
        if (member !== undefined) {
          const decoded = fromJson(member.shape, one, lenient);
          if (decoded !== undefined) result[member.name] = decoded;
        } else if (!lenient && one !== null) result[name] = one;
      }
      return result;
    }
    case 'list':
      return Array.isArray(value) ? value.map((one) => fromJson(shape.item.shape, one, lenient) ?? null) : value;
    case 'map': {
      if (typeof value !== 'object' || Array.isArray(value)) return value;
      const result: Record<string, unknown> = {};
      for (const [key, one] of Object.entries(value)) {
        const decoded = fromJson(shape.value.shape, one, lenient);
        if (decoded !== undefined)
          Object.defineProperty(result, key, { value: decoded, enumerable: true, writable: true, configurable: true });
      }
      return result;
    }
    case 'timestamp':
      return instant(shape, value);
    case 'blob':
      return typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'base64')) : value;
    default:
      return value;
  }
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

/** An SDK-shaped value, already checked, as JSON value. */
export function toJson(shape: Shape, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  switch (shape.kind) {
    case 'structure': {
      const result: Record<string, unknown> = {};
      for (const [name, one] of Object.entries(value)) {
        const member = shape.members.get(name);
        if (member !== undefined && one !== undefined && one !== null) result[wireName(member)] = toJson(member.shape, one);
      }
      return result;
    }
    case 'list':
      return (value as readonly unknown[]).map((one) => toJson(shape.item.shape, one) ?? null);
    case 'map': {
      const result: Record<string, unknown> = {};
      for (const [key, one] of Object.entries(value))
        Object.defineProperty(result, key, { value: toJson(shape.value.shape, one), enumerable: true, writable: true, configurable: true });
      return result;
    }
    case 'timestamp':
      return timestampText(shape, value as Date, 'epoch-seconds');
    case 'blob':
      return Buffer.from(value as Uint8Array).toString('base64');
    case 'number':
      return typeof value === 'bigint' ? Number(value) : value;
    default:
      return value;
  }
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
