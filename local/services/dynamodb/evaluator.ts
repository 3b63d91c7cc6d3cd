/** Says whether an item meets a condition, and picks parts of items. */
import { type AttributeValue, compareValues, equalValues, has, type Item, typeOf } from './attribute.ts';
import type { Comparator, Condition, Operand, Path } from './expression.ts';

/** The value at a path; undefined where there is none. */
export function valueAt(item: Item, path: Path): AttributeValue | undefined {
  return path.reduce<AttributeValue | undefined>((value, part) => (value === undefined ? undefined : child(value, part)), { M: item });
}

function child(value: AttributeValue, part: string | number): AttributeValue | undefined {
  if (typeof part === 'number') return 'L' in value ? value.L[part] : undefined;
  return 'M' in value && has(value.M, part) ? value.M[part] : undefined;
}

/**
 * An item that does not exist is `{}`. What is missing equals nothing, is ordered before or after nothing, and is
 * different from everything (`<>` holds).
 */
export function holds(condition: Condition, item: Item): boolean {
  switch (condition.kind) {
    case 'and':
      return holds(condition.left, item) && holds(condition.right, item);
    case 'or':
      return holds(condition.left, item) || holds(condition.right, item);
    case 'not':
      return !holds(condition.condition, item);
    case 'compare':
      return compares(condition.comparator, evaluate(condition.left, item), evaluate(condition.right, item));
    case 'between': {
      const value = evaluate(condition.operand, item);
      return compares('>=', value, evaluate(condition.low, item)) && compares('<=', value, evaluate(condition.high, item));
    }
    case 'in': {
      const value = evaluate(condition.operand, item);
      return condition.list.some((one) => compares('=', value, evaluate(one, item)));
    }
    case 'attribute_exists':
      return valueAt(item, condition.path) !== undefined;
    case 'attribute_not_exists':
      return valueAt(item, condition.path) === undefined;
    case 'attribute_type': {
      const value = evaluate(condition.operand, item);
      return value !== undefined && typeOf(value) === condition.type;
    }
    case 'begins_with':
      return beginsWith(evaluate(condition.operand, item), evaluate(condition.other, item));
    case 'contains':
      return contains(evaluate(condition.operand, item), evaluate(condition.other, item));
  }
}

function evaluate(operand: Operand, item: Item): AttributeValue | undefined {
  switch (operand.kind) {
    case 'path':
      return valueAt(item, operand.path);
    case 'value':
      return operand.value;
    case 'size': {
      const value = evaluate(operand.of, item);
      const size = value === undefined ? undefined : sizeOf(value);
      return size === undefined ? undefined : { N: String(size) };
    }
  }
}

/** What `size()` gives: characters, bytes or elements; numbers, booleans and null have none. */
function sizeOf(value: AttributeValue): number | undefined {
  if ('S' in value) return value.S.length;
  if ('B' in value) return value.B.length;
  if ('M' in value) return Object.keys(value.M).length;
  const elements = 'L' in value ? value.L : 'SS' in value ? value.SS : 'NS' in value ? value.NS : 'BS' in value ? value.BS : undefined;
  return elements?.length;
}

function compares(comparator: Comparator, left: AttributeValue | undefined, right: AttributeValue | undefined): boolean {
  const equal = left !== undefined && right !== undefined && equalValues(left, right);
  if (comparator === '=') return equal;
  if (comparator === '<>') return !equal;
  const order = left === undefined || right === undefined ? undefined : compareValues(left, right);
  if (order === undefined) return false;
  switch (comparator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

export function beginsWith(value: AttributeValue | undefined, prefix: AttributeValue | undefined): boolean {
  if (value === undefined || prefix === undefined) return false;
  if ('S' in value && 'S' in prefix) return value.S.startsWith(prefix.S);
  if ('B' in value && 'B' in prefix) return Buffer.compare(value.B.subarray(0, prefix.B.length), prefix.B) === 0;
  return false;
}

function contains(value: AttributeValue | undefined, part: AttributeValue | undefined): boolean {
  if (value === undefined || part === undefined) return false;
  if ('S' in value) return 'S' in part && value.S.includes(part.S);
  if ('B' in value) return 'B' in part && Buffer.from(value.B).includes(Buffer.from(part.B));
  if ('SS' in value) return 'S' in part && value.SS.includes(part.S);
  if ('NS' in value) return 'N' in part && value.NS.includes(part.N);
  if ('BS' in value) return 'B' in part && value.BS.some((bytes) => Buffer.compare(bytes, part.B) === 0);
  if ('L' in value) return value.L.some((element) => equalValues(element, part));
  return false;
}

/** The parts of an item at these paths, in their places; elements of lists close up. */
export function project(item: Item, paths: readonly Path[]): Item {
  const picked = pick({ M: item }, paths);
  return picked !== undefined && 'M' in picked ? picked.M : {};
}

function pick(value: AttributeValue, paths: readonly Path[]): AttributeValue | undefined {
  if (paths.some((path) => path.length === 0)) return value;
  const below = (part: string | number) => paths.filter(([first]) => first === part).map((path) => path.slice(1));
  if ('M' in value) {
    const names = new Set(
      paths.map(([first]) => first).filter((first): first is string => typeof first === 'string' && has(value.M, first)),
    );
    const picked = [...names].map((name) => [name, pick(value.M[name]!, below(name))] as const).filter(([, one]) => one !== undefined);
    return picked.length === 0 ? undefined : { M: Object.fromEntries(picked) as Item };
  }
  if ('L' in value) {
    const picked = value.L.map((element, index) => {
      const rest = below(index);
      return rest.length === 0 ? undefined : pick(element, rest);
    }).filter((one) => one !== undefined);
    return picked.length === 0 ? undefined : { L: picked };
  }
  return undefined;
}

/** The named attributes of an item, as far as it has them. */
export function only(item: Item, names: Iterable<string>): Item {
  const wanted = new Set(names);
  return Object.fromEntries(Object.entries(item).filter(([name]) => wanted.has(name)));
}
