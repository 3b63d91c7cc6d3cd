/** The condition block of a policy statement: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
import { BlockList } from 'node:net';
import { arnLike, type Context, like, withVariables } from './pattern.ts';

/** Compares one value of the request with one of the policy. */
type Comparison = (actual: string, wanted: string) => boolean;

const numbers =
  (holds: (actual: number, wanted: number) => boolean): Comparison =>
  (actual, wanted) => {
    const [left, right] = [Number(actual), Number(wanted)];
    return !Number.isNaN(left) && !Number.isNaN(right) && holds(left, right);
  };

const instant = (text: string) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text));
const dates =
  (holds: (actual: number, wanted: number) => boolean): Comparison =>
  (actual, wanted) => {
    const [left, right] = [instant(actual), instant(wanted)];
    return !Number.isNaN(left) && !Number.isNaN(right) && holds(left, right);
  };

const within: Comparison = (address, range) => {
  const list = new BlockList();
  const [network = '', prefix] = range.split('/');
  const family = network.includes(':') ? 'ipv6' : 'ipv4';
  if (prefix === undefined) list.addAddress(network, family);
  else list.addSubnet(network, Number(prefix), family);
  return list.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
};

// An escaped wildcard of a variable reaches the exact operators too; `like` turns it back, so they use it with their own wildcards escaped.
const exact: Comparison = (actual, wanted) =>
  like(
    wanted.replace(/[*?]/g, (character) => (character === '*' ? '\ue000' : '\ue001')),
    actual,
  );

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  StringEquals: exact,
  StringEqualsIgnoreCase: (actual, wanted) => exact(actual.toLowerCase(), wanted.toLowerCase()),
  StringLike: (actual, wanted) => like(wanted, actual),
  NumericEquals: numbers((a, b) => a === b),
  NumericLessThan: numbers((a, b) => a < b),
  NumericLessThanEquals: numbers((a, b) => a <= b),
  NumericGreaterThan: numbers((a, b) => a > b),
  NumericGreaterThanEquals: numbers((a, b) => a >= b),
  DateEquals: dates((a, b) => a === b),
  DateLessThan: dates((a, b) => a < b),
  DateLessThanEquals: dates((a, b) => a <= b),
  DateGreaterThan: dates((a, b) => a > b),
  DateGreaterThanEquals: dates((a, b) => a >= b),
  Bool: (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase(),
  BinaryEquals: exact,
  IpAddress: within,
  // Both take wildcards: "ArnEquals and ArnLike behave identically".
  ArnEquals: (actual, wanted) => arnLike(wanted, actual),
  ArnLike: (actual, wanted) => arnLike(wanted, actual),
};

const NEGATED: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  NumericNotEquals: 'NumericEquals',
  DateNotEquals: 'DateEquals',
  NotIpAddress: 'IpAddress',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
};

/** One line of a condition block, ready to be asked. */
export type Condition = (context: Context) => boolean;

/**
 * Compiles a condition block; all of its lines must hold.
 * @param variables whether `${…}` stands for one
 * @throws Error on an operator that IAM does not know
 */
export function conditions(
  block: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined,
  variables = true,
): readonly Condition[] {
  const lines: Condition[] = [];
  for (const [operator, keys] of Object.entries(block ?? {}))
    for (const [key, wanted] of Object.entries(keys)) lines.push(condition(operator, key.toLowerCase(), texts(wanted), variables));
  return lines;
}

function texts(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).map(String);
}

function condition(operator: string, key: string, wanted: readonly string[], variables: boolean): Condition {
  const [, quantifier, name = '', ifExists] = /^(?:(ForAllValues|ForAnyValue):)?(.*?)(IfExists)?$/.exec(operator) ?? [];
  if (name === 'Null') return (context) => (values(context, key).length === 0) === (wanted[0]?.toLowerCase() === 'true');
  const negated = NEGATED[name];
  const compare = COMPARISONS[negated ?? name];
  if (compare === undefined) throw new Error(`MalformedPolicyDocument: invalid condition operator "${operator}"`);

  return (context) => {
    const actual = values(context, key);
    if (actual.length === 0) {
      // A negated operator holds without the key; so do …IfExists and ForAllValues ("true if there are no keys in the request").
      return ifExists !== undefined || quantifier === 'ForAllValues' || (negated !== undefined && quantifier === undefined);
    }
    const filled = variables ? wanted.map((text) => withVariables(text, context)).filter((text) => text !== undefined) : wanted;
    const holds = (value: string) => filled.some((text) => compare(value, text)) === (negated === undefined);
    if (quantifier === 'ForAllValues') return actual.every(holds);
    if (quantifier === 'ForAnyValue') return actual.some(holds);
    return negated === undefined ? actual.some(holds) : actual.every(holds);
  };
}

function values(context: Context, key: string): readonly string[] {
  const value = context.get(key);
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}
