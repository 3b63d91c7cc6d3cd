/** Attribute values of DynamoDB: checking, size, order and equality. */
import { ServiceError } from '../../core/service.ts';
import { canonicalNumber, compareNumbers } from './decimal.ts';

export type AttributeValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: Uint8Array }
  | { readonly SS: readonly string[] }
  | { readonly NS: readonly string[] }
  | { readonly BS: readonly Uint8Array[] }
  | { readonly M: Readonly<Record<string, AttributeValue>> }
  | { readonly L: readonly AttributeValue[] }
  | { readonly NULL: true }
  | { readonly BOOL: boolean };

/** Items and their parts are never changed in place, so that an old image stays what it was. */
export type Item = Readonly<Record<string, AttributeValue>>;

export type TypeName = 'S' | 'N' | 'B' | 'SS' | 'NS' | 'BS' | 'M' | 'L' | 'NULL' | 'BOOL';

export const TYPE_NAMES: readonly TypeName[] = ['S', 'N', 'B', 'SS', 'NS', 'BS', 'M', 'L', 'NULL', 'BOOL'];

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const DEEPEST = 32;

export const invalid = (message: string) => new ServiceError('ValidationException', message);

export const typeOf = (value: AttributeValue) => Object.keys(value)[0] as TypeName;

const encoder = new TextEncoder();
export const byteLength = (text: string) => (/^[\0-\x7f]*$/.test(text) ? text.length : encoder.encode(text).length);
export const toBase64 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/**
 * The value as DynamoDB keeps it: numbers canonical, bytes copied.
 * @throws ServiceError ValidationException where DynamoDB refuses it
 */
export function checkedValue(value: unknown, depth = 0): AttributeValue {
  const given = Object.entries((value ?? {}) as Record<string, unknown>).filter(
    ([name, content]) => content !== undefined && (TYPE_NAMES as readonly string[]).includes(name),
  );
  const [only] = given;
  if (only === undefined) throw invalid('Supplied AttributeValue is empty, must contain exactly one of the supported datatypes');
  if (given.length > 1)
    throw invalid('Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes');
  if (depth > DEEPEST) throw invalid('Nesting Levels have exceeded supported limits');
  const content = only[1] as never;
  switch (only[0] as TypeName) {
    case 'S':
      return { S: content };
    case 'N':
      return { N: canonicalNumber(content) };
    case 'B':
      return { B: Uint8Array.from(content as Uint8Array) };
    case 'BOOL':
      return { BOOL: content };
    case 'NULL':
      if (content !== true)
        throw invalid('One or more parameter values were invalid: Null attribute value types must have the value of true');
      return { NULL: true };
    case 'SS':
      return { SS: checkedSet<string>(content, 'string', (text) => text) };
    case 'NS':
      return { NS: checkedSet<string>((content as string[]).map(canonicalNumber), 'number', (text) => text) };
    case 'BS':
      return {
        BS: checkedSet<Uint8Array>(
          (content as Uint8Array[]).map((bytes) => Uint8Array.from(bytes)),
          'binary',
          toBase64,
        ),
      };
    case 'L':
      return { L: (content as unknown[]).map((element) => checkedValue(element, depth + 1)) };
    case 'M':
      return { M: mapValues(content as Record<string, unknown>, (element) => checkedValue(element, depth + 1)) };
  }
}

function checkedSet<Element>(elements: readonly Element[], kind: string, key: (element: Element) => string): readonly Element[] {
  if (elements.length === 0) throw invalid(`One or more parameter values were invalid: An ${kind} set  may not be empty`);
  const keys = elements.map(key);
  if (new Set(keys).size < keys.length)
    throw invalid(`One or more parameter values were invalid: Input collection [${keys.join(', ')}] contains duplicates.`);
  return [...elements];
}

/** @throws ServiceError ValidationException */
export function checkedItem(item: Readonly<Record<string, unknown>>): Item {
  return mapValues(item, (value) => checkedValue(value));
}

/** A record with the same names; `__proto__` is a name like any other. */
export function mapValues<From, To>(record: Readonly<Record<string, From>>, to: (value: From, name: string) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, to(value, name)]));
}

export const has = (record: object, name: string) => Object.hasOwn(record, name);

/** Bytes that count towards the 400 KB of an item: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
export function sizeOfItem(item: Item): number {
  let size = sizes.get(item);
  if (size === undefined) {
    size = 0;
    for (const [name, value] of Object.entries(item)) size += byteLength(name) + sizeOfValue(value);
    sizes.set(item, size);
  }
  return size;
}

/** Items are never changed, only replaced; a write asks several times for the size of the same ones. */
const sizes = new WeakMap<Item, number>();

function sizeOfValue(value: AttributeValue): number {
  if ('S' in value) return byteLength(value.S);
  if ('N' in value) return sizeOfNumber(value.N);
  if ('B' in value) return value.B.length;
  if ('SS' in value) return value.SS.reduce((size, text) => size + byteLength(text), 0);
  if ('NS' in value) return value.NS.reduce((size, number) => size + sizeOfNumber(number), 0);
  if ('BS' in value) return value.BS.reduce((size, bytes) => size + bytes.length, 0);
  if ('M' in value) return 3 + Object.entries(value.M).reduce((size, [name, one]) => size + 1 + byteLength(name) + sizeOfValue(one), 0);
  if ('L' in value) return 3 + value.L.reduce((size, one) => size + 1 + sizeOfValue(one), 0);
  return 1;
}

/** "Approximately (length of attribute name) + (1 byte per two significant digits) + (1 byte)". */
function sizeOfNumber(number: string): number {
  const digits = number.replace(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '').length;
  return Math.ceil(digits / 2) + 1 + (number.startsWith('-') ? 1 : 0);
}

/** Text in the order of its UTF-8 bytes, which differs from JavaScript's where surrogate pairs meet U+E000 … U+FFFF. */
export function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a === b) continue;
    const surrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;
    if (surrogate(a) !== surrogate(b)) return surrogate(a) ? (b >= 0xe000 ? 1 : a - b) : a >= 0xe000 ? -1 : a - b;
    return a - b;
  }
  return left.length - right.length;
}

/** The order of two values of one scalar type; undefined where DynamoDB knows no order between them. */
export function compareValues(left: AttributeValue, right: AttributeValue): number | undefined {
  if ('S' in left && 'S' in right) return compareText(left.S, right.S);
  if ('N' in left && 'N' in right) return compareNumbers(left.N, right.N);
  if ('B' in left && 'B' in right) return Buffer.compare(left.B, right.B);
  return undefined;
}

export function equalValues(left: AttributeValue, right: AttributeValue): boolean {
  if (left === right) return true;
  if ('S' in left) return 'S' in right && left.S === right.S;
  if ('N' in left) return 'N' in right && left.N === right.N;
  if ('BOOL' in left) return 'BOOL' in right && left.BOOL === right.BOOL;
  if ('NULL' in left) return 'NULL' in right;
  if ('B' in left) return 'B' in right && Buffer.compare(left.B, right.B) === 0;
  if ('SS' in left) return 'SS' in right && sameMembers(left.SS, right.SS);
  if ('NS' in left) return 'NS' in right && sameMembers(left.NS, right.NS);
  if ('BS' in left) return 'BS' in right && sameMembers(left.BS.map(toBase64), right.BS.map(toBase64));
  if ('L' in left)
    return 'L' in right && left.L.length === right.L.length && left.L.every((one, index) => equalValues(one, right.L[index]!));
  return 'M' in right && equalItems(left.M, right.M);
}

export function equalItems(left: Item, right: Item): boolean {
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => has(right, name) && equalValues(left[name]!, right[name]!));
}

function sameMembers(left: readonly string[], right: readonly string[]): boolean {
  const members = new Set(right);
  return left.length === members.size && left.every((one) => members.has(one));
}

/** The value with bytes as base64, as it stands in JSON: in stream records and in saved tables. */
export function toJson(value: AttributeValue): unknown {
  if ('B' in value) return { B: toBase64(value.B) };
  if ('BS' in value) return { BS: value.BS.map(toBase64) };
  if ('L' in value) return { L: value.L.map(toJson) };
  if ('M' in value) return { M: mapValues(value.M, toJson) };
  return value;
}

/** The reverse of {@link toJson}. */
export function fromJson(json: unknown): AttributeValue {
  const value = json as Record<string, never>;
  if ('B' in value) return { B: Uint8Array.from(Buffer.from(value.B as string, 'base64')) };
  if ('BS' in value) return { BS: (value.BS as string[]).map((bytes) => Uint8Array.from(Buffer.from(bytes, 'base64'))) };
  if ('L' in value) return { L: (value.L as unknown[]).map(fromJson) };
  if ('M' in value) return { M: mapValues(value.M as Record<string, unknown>, fromJson) };
  return value as unknown as AttributeValue;
}
