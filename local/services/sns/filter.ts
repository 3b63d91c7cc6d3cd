/** Filter policies of SNS subscriptions: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html */
import { ServiceError } from '../../core/service.ts';

/** A policy, or an object within one (for message bodies). */
export interface FilterPolicy {
  readonly [name: string]: FilterPolicy | readonly unknown[];
}

/** A message attribute as it is published. */
export interface Attribute {
  readonly DataType?: string;
  readonly StringValue?: string;
}

const invalid = (detail: string) => new ServiceError('InvalidParameterException', `Invalid parameter: FilterPolicy: ${detail}`);

/** @throws ServiceError InvalidParameterException */
export function parseFilterPolicy(text: string, scope: string): FilterPolicy {
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch {
    throw invalid('failed to parse JSON.');
  }
  check(policy, scope, 1);
  return policy as FilterPolicy;
}

function check(policy: unknown, scope: string, depth: number): void {
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy)) throw invalid('Filter policy must be a JSON object');
  for (const [name, rules] of Object.entries(policy)) {
    if (!Array.isArray(rules)) {
      if (scope === 'MessageAttributes') throw invalid(`"${name}" must be an object or an array`);
      check(rules, scope, depth + 1);
    } else if (rules.length === 0) throw invalid(`Empty arrays are not allowed`);
    else for (const rule of rules) accepts(rule, undefined);
  }
}

/** Whether a message's attributes satisfy the policy: every name, by any of its rules. */
export function matchesAttributes(policy: FilterPolicy, attributes: Readonly<Record<string, Attribute>>): boolean {
  return Object.entries(policy).every(([name, rules]) => {
    const attribute = attributes[name];
    const values = attribute === undefined ? [] : valuesOf(attribute);
    return (rules as readonly unknown[]).some((rule) =>
      values.length === 0 ? accepts(rule, undefined) : values.some((value) => accepts(rule, value)),
    );
  });
}

function valuesOf({ DataType = '', StringValue = '' }: Attribute): readonly unknown[] {
  if (DataType.startsWith('Number')) return [Number(StringValue)];
  if (DataType !== 'String.Array') return [StringValue];
  try {
    const values: unknown = JSON.parse(StringValue);
    return Array.isArray(values) ? values : [];
  } catch {
    return [];
  }
}

/** Whether a message that is JSON satisfies the policy. */
export function matchesBody(policy: FilterPolicy, body: string): boolean {
  try {
    return matchesObject(policy, JSON.parse(body));
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function matchesObject(policy: FilterPolicy, value: unknown): boolean {
  if (Array.isArray(value)) return value.some((element) => matchesObject(policy, element));
  const object = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  return Object.entries(policy).every(([name, rules]) => {
    const found = object[name];
    if (!Array.isArray(rules)) return matchesObject(rules as FilterPolicy, found);
    const values = Array.isArray(found) ? found : [found];
    return rules.some((rule) => values.some((one) => accepts(rule, one)));
  });
}

const COMPARISONS: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  '=': (value, limit) => value === limit,
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
};

/** @param value undefined where there is none. @throws ServiceError for a rule that SNS does not know */
function accepts(rule: unknown, value: unknown): boolean {
  if (typeof rule !== 'object' || rule === null) return value !== undefined && value === rule;
  const [[operator, operand] = ['', undefined], ...more] = Object.entries(rule);
  if (more.length > 0) throw invalid('Only one key allowed in match expression');
  switch (operator) {
    case 'exists':
      return (value !== undefined) === operand;
    case 'prefix':
      return typeof value === 'string' && value.startsWith(String(operand));
    case 'suffix':
      return typeof value === 'string' && value.endsWith(String(operand));
    case 'equals-ignore-case':
      return typeof value === 'string' && value.toLowerCase() === String(operand).toLowerCase();
    case 'anything-but': {
      if (value === undefined) return false;
      if (typeof operand === 'object' && operand !== null && !Array.isArray(operand)) return !accepts(operand, value);
      return !(Array.isArray(operand) ? operand : [operand]).includes(value);
    }
    case 'numeric': {
      const terms = operand as readonly (string | number)[];
      for (let index = 0; index < terms.length; index += 2) {
        const compare = COMPARISONS[String(terms[index])];
        if (compare === undefined) throw invalid(`Unrecognized numeric range operator: ${terms[index]}`);
        if (typeof value !== 'number' || !compare(value, Number(terms[index + 1]))) return false;
      }
      return true;
    }
    default:
      throw invalid(`Unrecognized match type ${operator}`);
  }
}
