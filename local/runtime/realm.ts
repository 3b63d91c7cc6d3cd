/**
 * A JavaScript realm of its own for a Lambda environment, with virtual time and seeded chance in its intrinsics.
 * Binary types are shared with the host, so that a Buffer is a Uint8Array on both sides; errors of both sides count as errors.
 */
import vm from 'node:vm';

/** Runs inside the realm. `host` holds what the realm must ask outside for. */
const prepare = new vm.Script(
  `(function (host) {
  'use strict';
  const { now, random, isNativeError } = host;
  const RealDate = Date;
  const VirtualDate = function Date(...parts) {
    if (new.target === undefined) return new RealDate(now()).toString();
    return Reflect.construct(RealDate, parts.length === 0 ? [now()] : parts, new.target);
  };
  Object.defineProperty(VirtualDate, 'length', { value: 7, configurable: true });
  Object.defineProperty(VirtualDate, 'prototype', { value: RealDate.prototype, writable: false });
  Object.defineProperty(RealDate.prototype, 'constructor', { value: VirtualDate, writable: true, configurable: true });
  for (const [name, value] of [['now', function now_() { return now(); }], ['parse', RealDate.parse], ['UTC', RealDate.UTC]])
    Object.defineProperty(VirtualDate, name, { value, writable: true, configurable: true });
  globalThis.Date = VirtualDate;

  Math.random = function () { return random(); };

  const format = Intl.DateTimeFormat.prototype;
  const formatGetter = Object.getOwnPropertyDescriptor(format, 'format').get;
  Object.defineProperty(format, 'format', {
    configurable: true,
    get() { const bound = formatGetter.call(this); return (date) => bound(date ?? now()); },
  });
  const formatToParts = format.formatToParts;
  format.formatToParts = function (date) { return formatToParts.call(this, date ?? now()); };

  // An error of the host (of fs, URL, streams) is an Error here too.
  const ordinary = Function.prototype[Symbol.hasInstance];
  for (const type of [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError])
    Object.defineProperty(type, Symbol.hasInstance, {
      value(value) {
        if (ordinary.call(this, value)) return true;
        if (this !== type || !isNativeError(value)) return false;
        return type === Error || value instanceof host.errors[type.name];
      },
    });

  const clone = (value, seen) => {
    if (typeof value === 'function' || typeof value === 'symbol')
      throw new host.DOMException(String(value) + ' could not be cloned.', 'DataCloneError');
    if (value === null || typeof value !== 'object') return value;
    if (seen.has(value)) return seen.get(value);
    const keep = (copy) => { seen.set(value, copy); return copy; };
    const tag = Object.prototype.toString.call(value);
    if (Array.isArray(value)) {
      const copy = keep(new Array(value.length));
      for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
      return copy;
    }
    if (tag === '[object Date]') return keep(new RealDate(+value));
    if (tag === '[object RegExp]') return keep(new RegExp(value.source, value.flags));
    if (tag === '[object Map]') {
      const copy = keep(new Map());
      for (const [key, each] of value) copy.set(clone(key, seen), clone(each, seen));
      return copy;
    }
    if (tag === '[object Set]') {
      const copy = keep(new Set());
      for (const each of value) copy.add(clone(each, seen));
      return copy;
    }
    if (ArrayBuffer.isView(value) || tag === '[object ArrayBuffer]') return keep(host.structuredClone(value));
    if (isNativeError(value)) {
      const copy = keep(new (globalThis[value.name] ?? Error)(value.message));
      copy.stack = value.stack;
      if ('cause' in value) copy.cause = clone(value.cause, seen);
      return copy;
    }
    if (tag === '[object Boolean]' || tag === '[object Number]' || tag === '[object String]') return keep(Object(value.valueOf()));
    if (tag === '[object Promise]' || tag === '[object WeakMap]' || tag === '[object WeakSet]')
      throw new host.DOMException(tag + ' could not be cloned.', 'DataCloneError');
    const copy = keep({});
    for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
    return copy;
  };
  globalThis.structuredClone = (value) => clone(value, new Map());
  globalThis.global = globalThis;

  // All that code can change of the realm itself, as it is now; what belongs to the host is the host's.
  // Nothing here may be looked up later: code may have changed it by then.
  const { getPrototypeOf, setPrototypeOf, ownKeys, getOwnPropertyDescriptor, defineProperty, deleteProperty, isExtensible } = Reflect;
  const { is: isSame, prototype: top } = Object;
  const noted = new WeakSet();
  const records = [];
  const isOurs = (value) => {
    for (let object = value; ; ) {
      const above = getPrototypeOf(object);
      if (above === null) return object === top || object === value;
      object = above;
    }
  };
  const note = (value) => {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function') || noted.has(value) || !isOurs(value)) return;
    noted.add(value);
    const above = getPrototypeOf(value);
    const properties = Object.create(null);
    const keys = ownKeys(value);
    records.push({ object: value, above, open: isExtensible(value), keys, properties });
    note(above);
    for (const key of keys) {
      const property = getOwnPropertyDescriptor(value, key);
      setPrototypeOf(property, null);
      properties[key] = property;
      for (const part of ['value', 'get', 'set']) note(property[part]);
    }
  };
  for (const root of [globalThis, async function () {}, function* () {}, async function* () {}, [].values(), new Map().keys(), new Set().keys(), ''.matchAll(/./g), ''[Symbol.iterator]()])
    note(root);
  const restore = () => {
    for (let index = 0; index < records.length; index++) {
      const { object, above, open, keys, properties } = records[index];
      if (open && !isExtensible(object)) return false;
      if (getPrototypeOf(object) !== above && !setPrototypeOf(object, above)) return false;
      const now = ownKeys(object);
      for (let at = 0; at < now.length; at++) if (properties[now[at]] === undefined && !deleteProperty(object, now[at])) return false;
      for (let at = 0; at < keys.length; at++) {
        const was = properties[keys[at]];
        const is = getOwnPropertyDescriptor(object, keys[at]);
        const same =
          is !== undefined &&
          isSame(is.value, was.value) &&
          is.get === was.get &&
          is.set === was.set &&
          is.writable === was.writable &&
          is.enumerable === was.enumerable &&
          is.configurable === was.configurable;
        if (!same && !defineProperty(object, keys[at], was)) return false;
      }
    }
    return true;
  };
  return {
    restore,
    parse: (text) => JSON.parse(text),
    stringify: (value) => JSON.stringify(value),
    Promise,
    fields: (value) => Object.assign({}, value),
    namespace: (module) => module !== null && typeof module === 'object' && module.__esModule ? module : Object.assign(Object.create(null), module, { default: module }),
  };
})`,
  { filename: 'node:local-aws/realm' },
);

/** What a realm asks the host for. */
export interface RealmHost {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly isNativeError: (value: unknown) => boolean;
}

/** Helpers that make values of the realm itself, so that its code finds its own prototypes. */
export interface RealmTools {
  readonly parse: (text: string) => unknown;
  readonly stringify: (value: unknown) => string | undefined;
  readonly Promise: PromiseConstructor;
  /** A shallow copy with the realm's own prototype. */
  readonly fields: <T extends object>(value: T) => T;
  /** What `import()` of a CommonJS module gives. */
  readonly namespace: (module: unknown) => object;
  /** Undoes all that code has changed of globals and intrinsics. @returns false if that cannot be done */
  readonly restore: () => boolean;
}

export interface Realm {
  readonly context: vm.Context;
  readonly tools: RealmTools;
}

const shared = [
  'ArrayBuffer',
  'SharedArrayBuffer',
  'DataView',
  'Uint8Array',
  'Int8Array',
  'Uint8ClampedArray',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Buffer',
  'Blob',
  'File',
  'URL',
  'URLSearchParams',
  'URLPattern',
  'TextEncoder',
  'TextDecoder',
  'AbortController',
  'Event',
  'EventTarget',
  'CustomEvent',
  'DOMException',
  'Headers',
  'Request',
  'Response',
  'FormData',
  'ReadableStream',
  'WritableStream',
  'TransformStream',
  'TextEncoderStream',
  'TextDecoderStream',
  'ByteLengthQueuingStrategy',
  'CountQueuingStrategy',
  'atob',
  'btoa',
] as const;

const errors = { Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError };

/** A fresh realm with Node's pure globals; the caller adds those that reach outside. */
export function createRealm(host: RealmHost): Realm {
  // Not contextified: its global is an ordinary object, so that looking up a global costs no interceptor.
  const global = vm.createContext(vm.constants.DONT_CONTEXTIFY) as vm.Context & Record<string, unknown>;
  const own = globalThis as unknown as Record<string, unknown>;
  for (const name of shared)
    if (name in own) Object.defineProperty(global, name, { value: own[name], writable: true, configurable: true, enumerable: false });
  const tools = prepare.runInContext(global)({ ...host, errors, DOMException, structuredClone }) as RealmTools;
  return { context: global, tools };
}
