/** Between the names of a state machine (`ServiceName`, ISO times, JSON as objects) and the shapes of SDK clients. */
import type { Json } from '../../asl/data.ts';
import type { Shape } from '../../core/protocols/shape.ts';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

const lowerFirst = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);
const upperFirst = (name: string) => name.charAt(0).toUpperCase() + name.slice(1);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Arguments of a Task state as the client takes them. What does not fit is passed on as it is, for the service to refuse.
 * A text member takes an object as its JSON, which Step Functions does for Input, Detail, Message and MessageBody.
 */
export function toClient(shape: Shape, value: Json): unknown {
  if (value === null) return undefined;
  switch (shape.kind) {
    case 'structure':
      if (!isObject(value)) return value;
      return Object.fromEntries(
        Object.entries(value).map(([name, one]) => {
          const member = shape.members.get(name) ?? shape.members.get(lowerFirst(name));
          return member === undefined ? [name, one] : [member.name, toClient(member.shape, one as Json)];
        }),
      );
    case 'list':
      return Array.isArray(value) ? value.map((one: Json) => toClient(shape.item.shape, one)) : value;
    case 'map':
      if (!isObject(value)) return value;
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, toClient(shape.value.shape, one as Json)]));
    case 'timestamp':
      return typeof value === 'string' || typeof value === 'number' ? new Date(value) : value;
    case 'blob':
      return encoder.encode(typeof value === 'string' ? value : JSON.stringify(value));
    case 'string':
      return typeof value === 'object' ? JSON.stringify(value) : value;
    default:
      return value;
  }
}

/** An answer of a client as a Task state gets it. */
export function fromClient(shape: Shape, value: unknown): Json {
  switch (shape.kind) {
    case 'structure': {
      if (!isObject(value)) return value as Json;
      const members = Object.entries(value).filter(([name, one]) => name !== '$metadata' && one !== undefined);
      return Object.fromEntries(
        members.map(([name, one]) => {
          const member = shape.members.get(name);
          return [upperFirst(name), member === undefined ? (one as Json) : fromClient(member.shape, one)];
        }),
      );
    }
    case 'list':
      return Array.isArray(value) ? value.map((one) => fromClient(shape.item.shape, one)) : (value as Json);
    case 'map':
      if (!isObject(value)) return value as Json;
      return Object.fromEntries(
        Object.entries(value)
          .filter(([, one]) => one !== undefined)
          .map(([name, one]) => [name, fromClient(shape.value.shape, one)]),
      );
    case 'timestamp':
      return value instanceof Date ? value.toISOString() : (value as Json);
    case 'blob':
      return value instanceof Uint8Array ? decoder.decode(value) : (value as Json);
    default:
      return typeof value === 'bigint' ? Number(value) : (value as Json);
  }
}
