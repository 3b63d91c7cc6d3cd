/** Whether an event matches a compiled pattern. */
import { isInRange } from './cidr.ts';
import type { Branch, EventPattern, Test } from './pattern.ts';

type Scalar = string | number | boolean | null;

/** One value of an event: where it lies, and in which element of which arrays of objects. */
interface Leaf {
  readonly value: Scalar;
  /** Index by array, the array named by its path. */
  readonly elements: ReadonlyMap<string, number>;
}

/** An event, flattened for matching against many patterns. */
export type FlatEvent = ReadonlyMap<string, readonly Leaf[]>;

/** Values by dotted path: a key with dots and nested keys are the same to EventBridge. */
export function flatten(event: unknown): FlatEvent {
  const leaves = new Map<string, Leaf[]>();
  let arrays = 0;
  const visit = (value: unknown, path: string, elements: ReadonlyMap<string, number>): void => {
    if (Array.isArray(value)) {
      const name = `${path}#${arrays++}`;
      value.forEach((each, index) => {
        // Plain values of a list stand side by side; only objects tie the fields in them together.
        visit(each, path, typeof each === 'object' && each !== null ? new Map(elements).set(name, index) : elements);
      });
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, each] of Object.entries(value)) visit(each, path === '' ? key : `${path}.${key}`, elements);
    } else {
      const list = leaves.get(path) ?? [];
      list.push({ value: value as Scalar, elements });
      leaves.set(path, list);
    }
  };
  visit(event, '', new Map());
  return leaves;
}

function holds(test: Test, value: Scalar): boolean {
  switch (test.kind) {
    case 'equals':
      return test.value === value;
    case 'exists':
      return test.wanted;
    case 'not':
      return !test.tests.some((each) => holds(each, value));
    case 'numeric': {
      if (typeof value !== 'number') return false;
      const { low, high } = test;
      if (low && (low.open ? value <= low.value : value < low.value)) return false;
      return !(high && (high.open ? value >= high.value : value > high.value));
    }
    default:
      return typeof value === 'string' && textHolds(test, value);
  }
}

function textHolds(test: Exclude<Test, { kind: 'equals' | 'exists' | 'not' | 'numeric' }>, value: string): boolean {
  switch (test.kind) {
    case 'prefix':
      return test.ignoreCase ? value.toLowerCase().startsWith(test.text.toLowerCase()) : value.startsWith(test.text);
    case 'suffix':
      return test.ignoreCase ? value.toLowerCase().endsWith(test.text.toLowerCase()) : value.endsWith(test.text);
    case 'equals-ignore-case':
      return value.toLowerCase() === test.text.toLowerCase();
    case 'wildcard':
      return test.expression.test(value);
    case 'cidr':
      return isInRange(test.range, value);
  }
}

/** The common elements of two places, or nothing if they lie in different elements of one array. */
function together(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): ReadonlyMap<string, number> | undefined {
  const joined = new Map(a);
  for (const [array, index] of b) {
    if ((joined.get(array) ?? index) !== index) return undefined;
    joined.set(array, index);
  }
  return joined;
}

function branchHolds(fields: readonly [string, readonly Test[]][], event: FlatEvent, elements: ReadonlyMap<string, number>): boolean {
  const [first, ...rest] = fields;
  if (first === undefined) return true;
  const [path, tests] = first;
  const leaves = event.get(path) ?? [];
  if (leaves.length === 0) return tests.some((test) => test.kind === 'exists' && !test.wanted) && branchHolds(rest, event, elements);
  return leaves.some((leaf) => {
    if (!tests.some((test) => holds(test, leaf.value))) return false;
    const joined = together(elements, leaf.elements);
    return joined !== undefined && branchHolds(rest, event, joined);
  });
}

/** Whether one way through the pattern holds. */
export function matches(pattern: EventPattern, event: FlatEvent): boolean {
  return pattern.some((branch: Branch) => branchHolds([...branch], event, new Map()));
}
