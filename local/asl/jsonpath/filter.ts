/** What filters of paths compare: `[?(@.price < 10 && @.kind in ['a', 'b'])]`, as Jayway JsonPath does. https://github.com/json-path/JsonPath#filter-operators */
import type { Json } from '../data.ts';
import { find, NothingFound, type Path } from './path.ts';

/** One side of a comparison; undefined where nothing is there. */
export type Operand = (value: Json, root: Json) => Json | undefined;

/** Longer ones first, so that none is taken for the beginning of another. */
export const OPERATORS = [
  '==',
  '!=',
  '<=',
  '>=',
  '=~',
  '<',
  '>',
  'nin',
  'in',
  'subsetof',
  'anyof',
  'noneof',
  'size',
  'empty',
  'contains',
] as const;
export type Operator = (typeof OPERATORS)[number];

/** What a path finds, from the root or from the value that is filtered. */
export function at(path: Path, fromRoot: boolean): Operand {
  return (value, root) => {
    try {
      return find(path, fromRoot ? root : value);
    } catch (error) {
      if (error instanceof NothingFound) return undefined;
      throw error;
    }
  };
}

const same = (left: Json | undefined, right: Json | undefined): boolean =>
  left === right || (typeof left === 'object' && typeof right === 'object' && JSON.stringify(left) === JSON.stringify(right));

const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);

const sizeOf = (value: Json | undefined): number | undefined =>
  typeof value === 'string' || Array.isArray(value) ? (value as string | readonly Json[]).length : undefined;

/** Numbers with numbers, texts with texts; nothing else has an order. */
function order(left: Json | undefined, right: Json | undefined): number | undefined {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
  return undefined;
}

const TESTS: Readonly<Record<Operator, (left: Json | undefined, right: Json | undefined) => boolean>> = {
  '==': same,
  '!=': (left, right) => !same(left, right),
  '<': (left, right) => (order(left, right) ?? 1) < 0,
  '<=': (left, right) => (order(left, right) ?? 1) <= 0,
  '>': (left, right) => (order(left, right) ?? -1) > 0,
  '>=': (left, right) => (order(left, right) ?? -1) >= 0,
  '=~': (left, right) => typeof left === 'string' && (right as unknown) instanceof RegExp && (right as unknown as RegExp).test(left),
  in: (left, right) => list(right).some((one) => same(one, left)),
  nin: (left, right) => !list(right).some((one) => same(one, left)),
  subsetof: (left, right) => list(left).every((one) => list(right).some((other) => same(one, other))),
  anyof: (left, right) => list(left).some((one) => list(right).some((other) => same(one, other))),
  noneof: (left, right) => !list(left).some((one) => list(right).some((other) => same(one, other))),
  size: (left, right) => sizeOf(left) !== undefined && sizeOf(left) === (typeof right === 'number' ? right : sizeOf(right)),
  empty: (left, right) => sizeOf(left) !== undefined && (sizeOf(left) === 0) === right,
  contains: (left, right) =>
    typeof left === 'string' ? typeof right === 'string' && left.includes(right) : list(left).some((one) => same(one, right)),
};

export function comparison(operator: Operator, left: Operand, right: Operand): (value: Json, root: Json) => boolean {
  const test = TESTS[operator];
  return (value, root) => test(left(value, root), right(value, root));
}
