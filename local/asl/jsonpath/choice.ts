/** The rules of a Choice in JSONPath. https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html#amazon-states-language-choice-state-rules */
import type { Json } from '../data.ts';
import { PathError } from '../error.ts';
import type { Bindings } from '../template.ts';
import { parseTimestamp } from '../timestamp.ts';
import { found, rootOf } from './expression.ts';
import { find, NothingFound, type Path } from './path.ts';
import { parsePath } from './reader.ts';

export type Rule = (bindings: Bindings) => boolean;

type Fields = Readonly<Record<string, Json | undefined>>;

/** Comparisons by what is compared; each also has a form whose other side is a path. */
const COMPARED = ['Equals', 'LessThan', 'GreaterThan', 'LessThanEquals', 'GreaterThanEquals'] as const;
export const COMPARISONS: readonly string[] = [
  'BooleanEquals',
  ...['String', 'Numeric', 'Timestamp'].flatMap((type) => COMPARED.map((operator) => `${type}${operator}`)),
];
export const TYPE_TESTS: readonly string[] = ['IsNull', 'IsPresent', 'IsNumeric', 'IsString', 'IsBoolean', 'IsTimestamp'];
/** Those that combine others. */
export const COMBINATIONS: readonly string[] = ['And', 'Or', 'Not'];
export const OPERATORS: readonly string[] = [...COMPARISONS, ...COMPARISONS.map((name) => `${name}Path`), ...TYPE_TESTS, 'StringMatches'];

/** A value of each type as it is ordered; undefined where the value is of another type. */
const READ: Readonly<Record<string, (value: Json | undefined) => string | number | boolean | undefined>> = {
  String: (value) => (typeof value === 'string' ? value : undefined),
  Numeric: (value) => (typeof value === 'number' ? value : undefined),
  Boolean: (value) => (typeof value === 'boolean' ? value : undefined),
  Timestamp: (value) => (typeof value === 'string' ? parseTimestamp(value) : undefined),
};

const TESTS: Readonly<Record<string, (left: string | number | boolean, right: string | number | boolean) => boolean>> = {
  Equals: (left, right) => left === right,
  LessThan: (left, right) => left < right,
  GreaterThan: (left, right) => left > right,
  LessThanEquals: (left, right) => left <= right,
  GreaterThanEquals: (left, right) => left >= right,
};

const IS: Readonly<Record<string, (value: Json) => boolean>> = {
  IsNull: (value) => value === null,
  IsNumeric: (value) => typeof value === 'number',
  IsString: (value) => typeof value === 'string',
  IsBoolean: (value) => typeof value === 'boolean',
  IsTimestamp: (value) => typeof value === 'string' && parseTimestamp(value) !== undefined,
};

/** @param rule one that lint.ts has no errors for */
export function compileRule(rule: Fields): Rule {
  if (Array.isArray(rule.And)) {
    const rules = rule.And.map((one) => compileRule(one as Fields));
    return (bindings) => rules.every((one) => one(bindings));
  }
  if (Array.isArray(rule.Or)) {
    const rules = rule.Or.map((one) => compileRule(one as Fields));
    return (bindings) => rules.some((one) => one(bindings));
  }
  if (rule.Not !== undefined) {
    const inner = compileRule(rule.Not as Fields);
    return (bindings) => !inner(bindings);
  }
  const operator = Object.keys(rule).find((name) => OPERATORS.includes(name))!;
  const variable = parsePath(String(rule.Variable))!;
  const expected = rule[operator]!;
  if (operator === 'IsPresent') return (bindings) => isPresent(variable, bindings) === expected;
  const is = IS[operator];
  if (is !== undefined) return (bindings) => is(valueAt(variable, bindings)) === expected;
  if (operator === 'StringMatches') {
    const pattern = matcher(String(expected));
    return (bindings) => {
      const value = valueAt(variable, bindings);
      return typeof value === 'string' && pattern.test(value);
    };
  }
  return compared(operator, variable, expected);
}

function compared(operator: string, variable: Path, expected: Json): Rule {
  const [, type = '', test = '', byPath] = /^(String|Numeric|Boolean|Timestamp)(.+?)(Path)?$/.exec(operator) ?? [];
  const read = READ[type]!;
  const compare = TESTS[test]!;
  const other = byPath === undefined ? undefined : parsePath(String(expected))!;
  const constant = read(expected);
  return (bindings) => {
    const left = read(valueAt(variable, bindings));
    const right = other === undefined ? constant : read(valueAt(other, bindings));
    return left !== undefined && right !== undefined && compare(left, right);
  };
}

function valueAt(path: Path, bindings: Bindings): Json {
  return found(
    path,
    rootOf(path, bindings),
    () => `Invalid path '${path.source}': The choice state's condition path references an invalid value.`,
  );
}

function isPresent(path: Path, bindings: Bindings): boolean {
  try {
    const value = find(path, rootOf(path, bindings));
    return path.definite || (value as readonly Json[]).length > 0;
  } catch (error) {
    if (error instanceof NothingFound || error instanceof PathError) return false;
    throw error;
  }
}

/** A star stands for anything, unless a backslash stands before it. */
function matcher(text: string): RegExp {
  const parts = [...text.matchAll(/\\([\\*])|\*|[^\\*]+|\\/g)].map(([part, literal]) =>
    part === '*' ? '.*' : (literal ?? part).replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
  );
  return new RegExp(`^${parts.join('')}$`, 's');
}
