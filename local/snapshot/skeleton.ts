/** What a newly made world has already: the objects that its constructors made, at the same places as in the saved one. */

/** The counterpart of an object in the newly made world, by the object. */
export type Skeleton = ReadonlyMap<object, object>;

/** An ordinary object, of whichever realm. */
export function isPlain(one: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(one);
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && (prototype as object).constructor?.name === 'Object';
}

/** Pairs of objects of one class that are found on the same way from the root: by fields, by indexes, by the keys of maps. */
export function skeletonOf(root: object, fresh: object): Skeleton {
  const pairs = new Map<object, object>();
  const taken = new Set<object>();
  const left: (readonly [unknown, unknown])[] = [[root, fresh]];
  for (let pair = left.pop(); pair !== undefined; pair = left.pop()) {
    const [one, other] = pair;
    if (typeof one !== 'object' || one === null || typeof other !== 'object' || other === null) continue;
    if (pairs.has(one) || taken.has(other) || Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) continue;
    if (one instanceof Date || one instanceof Uint8Array || one instanceof Set) continue;
    pairs.set(one, other);
    taken.add(other);
    if (one instanceof Map) {
      for (const [key, value] of other as Map<unknown, unknown>) left.push([one.get(key), value]);
    } else for (const [name, value] of Object.entries(other)) left.push([(one as Readonly<Record<string, unknown>>)[name], value]);
  }
  return pairs;
}
