/** Applies an update expression to an item. */
import { type AttributeValue, has, type Item, invalid, toBase64, typeOf } from './attribute.ts';
import { addNumbers } from './decimal.ts';
import { valueAt } from './evaluator.ts';
import type { Path, Update, UpdateValue } from './expression.ts';

const wrongOperand = () => invalid('An operand in the update expression has an incorrect data type');
const wrongPath = () => invalid('The document path provided in the update expression is invalid for update');

/**
 * The item after the update. Every right side sees the item as it was before.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
 * @throws ServiceError ValidationException
 */
export function applyUpdate(before: Item, update: Update): Item {
  let item = before;
  const assignments = update.set.map(({ path, value }) => ({ path, value: evaluate(value, before) }));
  // Elements set beyond the end of a list are appended in the order of their indexes.
  for (const { path, value } of assignments.sort((a, b) => comparePaths(a.path, b.path))) item = replace(item, path, () => value);
  for (const { path, value } of update.add) item = replace(item, path, (old) => added(old, value));
  for (const { path, value } of update.delete)
    item = replace(item, path, (old) => (old === undefined ? undefined : subtracted(old, value)));
  // From the last element of a list to the first, so that indexes keep their meaning.
  for (const path of update.remove.toSorted((a, b) => comparePaths(b, a))) item = replace(item, path, () => undefined);
  return item;
}

/** The paths that an update writes. */
export const writtenPaths = (update: Update): readonly Path[] => [
  ...update.set.map(({ path }) => path),
  ...update.remove,
  ...update.add.map(({ path }) => path),
  ...update.delete.map(({ path }) => path),
];

function evaluate(value: UpdateValue, item: Item): AttributeValue {
  switch (value.kind) {
    case 'value':
      return value.value;
    case 'path': {
      const found = valueAt(item, value.path);
      if (found === undefined) throw invalid('The provided expression refers to an attribute that does not exist in the item');
      return found;
    }
    case 'if_not_exists':
      return valueAt(item, value.path) ?? evaluate(value.otherwise, item);
    case 'list_append': {
      const left = evaluate(value.left, item);
      const right = evaluate(value.right, item);
      if (!('L' in left) || !('L' in right)) throw wrongOperand();
      return { L: [...left.L, ...right.L] };
    }
    case '+':
    case '-': {
      const left = evaluate(value.left, item);
      const right = evaluate(value.right, item);
      if (!('N' in left) || !('N' in right)) throw wrongOperand();
      return { N: addNumbers(left.N, right.N, value.kind === '+' ? 1 : -1) };
    }
  }
}

/** The item with the value at `path` replaced by what `change` makes of it; undefined removes it. */
function replace(item: Item, path: Path, change: (old: AttributeValue | undefined) => AttributeValue | undefined): Item {
  const changed = within({ M: item }, path, change);
  return changed !== undefined && 'M' in changed ? changed.M : {};
}

function within(
  value: AttributeValue | undefined,
  path: Path,
  change: (old: AttributeValue | undefined) => AttributeValue | undefined,
): AttributeValue | undefined {
  const [part, ...rest] = path;
  if (part === undefined) return change(value);
  if (typeof part === 'number') {
    if (value === undefined || !('L' in value)) throw wrongPath();
    if (part >= value.L.length && rest.length > 0) throw wrongPath();
    const element = within(value.L[part], rest, change);
    if (element === undefined) return { L: value.L.filter((_, index) => index !== part) };
    return { L: part < value.L.length ? value.L.with(part, element) : [...value.L, element] };
  }
  if (value === undefined || !('M' in value)) throw wrongPath();
  const element = within(has(value.M, part) ? value.M[part] : undefined, rest, change);
  const entries = Object.entries(value.M);
  if (element === undefined) return { M: Object.fromEntries(entries.filter(([name]) => name !== part)) };
  if (has(value.M, part)) return { M: Object.fromEntries(entries.map(([name, one]) => [name, name === part ? element : one])) };
  return { M: Object.fromEntries([...entries, [part, element]]) };
}

/** ADD: numbers sum, sets unite. */
function added(old: AttributeValue | undefined, value: AttributeValue): AttributeValue {
  if (old === undefined) return value;
  if (typeOf(old) !== typeOf(value)) throw wrongOperand();
  if ('N' in old && 'N' in value) return { N: addNumbers(old.N, value.N) };
  if ('SS' in old && 'SS' in value) return { SS: [...new Set([...old.SS, ...value.SS])] };
  if ('NS' in old && 'NS' in value) return { NS: [...new Set([...old.NS, ...value.NS])] };
  if ('BS' in old && 'BS' in value) return { BS: [...new Map([...old.BS, ...value.BS].map((bytes) => [toBase64(bytes), bytes])).values()] };
  throw wrongOperand();
}

/** DELETE: a set without some members; an empty one is no attribute at all. */
function subtracted(old: AttributeValue, value: AttributeValue): AttributeValue | undefined {
  if ('SS' in old && 'SS' in value) {
    const SS = old.SS.filter((one) => !value.SS.includes(one));
    return SS.length > 0 ? { SS } : undefined;
  }
  if ('NS' in old && 'NS' in value) {
    const NS = old.NS.filter((one) => !value.NS.includes(one));
    return NS.length > 0 ? { NS } : undefined;
  }
  if ('BS' in old && 'BS' in value) {
    const gone = new Set(value.BS.map(toBase64));
    const BS = old.BS.filter((one) => !gone.has(toBase64(one)));
    return BS.length > 0 ? { BS } : undefined;
  }
  throw wrongOperand();
}

function comparePaths(left: Path, right: Path): number {
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const [a, b] = [left[index]!, right[index]!];
    if (a === b) continue;
    if (typeof a === 'number' && typeof b === 'number') return a - b;
    return String(a) < String(b) ? -1 : 1;
  }
  return left.length - right.length;
}
