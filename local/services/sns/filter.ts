/** Filter policies of SNS subscriptions: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html */
import { ServiceError } from '../../core/service.ts';
import { type FlatEvent, flatten, matches } from '../events/match.ts';
import { compilePattern, type Dialect, type EventPattern } from '../events/pattern.ts';
import { PatternSyntaxError } from '../events/tokens.ts';

/** What of a message a policy is compared with. */
export type Scope = 'MessageAttributes' | 'MessageBody';

/** A policy that SNS has taken. */
export interface FilterPolicy {
  readonly scope: Scope;
  /** Its JSON, without spaces. */
  readonly text: string;
}

/** A message attribute as it is published. */
export interface Attribute {
  readonly DataType?: string;
  readonly StringValue?: string;
}

/** EventBridge's patterns as they were before wildcards; of what `anything-but` negates only prefixes, as recorded. */
const DIALECT: Dialect = { wildcard: false, affixIgnoringCase: false, negatable: ['prefix'], largest: 1e9, largestText: '1.0E9' };

/** https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html */
const MOST_KEYS = 5;
const MOST_COMBINATIONS = 150;
const LARGEST = 256 * 1024;

interface Fields {
  readonly [name: string]: Fields | readonly unknown[];
}

/**
 * @param place where the policy stands in the request: `Attributes Reason: ` in Subscribe, nothing in SetSubscriptionAttributes
 * @throws ServiceError InvalidParameterException
 */
export function parseFilterPolicy(text: string, scope: Scope, place = ''): FilterPolicy {
  const invalid = (detail: string) => new ServiceError('InvalidParameterException', `Invalid parameter: ${place}${detail}`);
  let fields: Fields;
  try {
    fields = JSON.parse(text) as Fields;
  } catch {
    throw invalid('FilterPolicy: failed to parse JSON.');
  }
  if (Buffer.byteLength(text) > LARGEST) throw invalid('FilterPolicy: Filter policy is too large');
  const compact = withoutSpaces(text);
  const policy = { scope, text: compact };
  try {
    patternOf(policy);
  } catch (error) {
    if (error instanceof PatternSyntaxError) throw invalid(`FilterPolicy: ${error.message}`);
    throw error;
  }
  if (scope === 'MessageAttributes' && isNested(fields))
    throw invalid('Filter policy scope MessageAttributes does not support nested filter policy');
  if (Object.keys(fields).length > MOST_KEYS) throw invalid(`FilterPolicy: Filter policy can not have more than ${MOST_KEYS} keys`);
  if (combinations(fields, 1) > MOST_COMBINATIONS) throw invalid('FilterPolicy: Filter policy is too complex');
  return policy;
}

const patterns = new WeakMap<FilterPolicy, EventPattern>();

/** Compiled once for each policy. @throws PatternSyntaxError */
function patternOf(policy: FilterPolicy): EventPattern {
  let pattern = patterns.get(policy);
  if (pattern === undefined) {
    pattern = compilePattern(policy.text, DIALECT);
    patterns.set(policy, pattern);
  }
  return pattern;
}

/** The same JSON without white space between its parts; strings and numbers stay as they were written. */
const withoutSpaces = (text: string) => text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_, string: string | undefined) => string ?? '');

/** The objects in an `$or`, each a policy of its own. */
const alternatives = (value: Fields[string]) => value as readonly Fields[];

function isNested(fields: Fields): boolean {
  return Object.entries(fields).some(([name, value]) => (name === '$or' ? alternatives(value).some(isNested) : !Array.isArray(value)));
}

/** Values of one key times those of the next, each weighed by its depth; alternatives of an `$or` are added up. */
function combinations(fields: Fields, depth: number): number {
  let product = 1;
  for (const [name, value] of Object.entries(fields)) {
    if (name === '$or') product *= alternatives(value).reduce((sum, one) => sum + combinations(one, depth), 0);
    else product *= Array.isArray(value) ? value.length * depth : combinations(value as Fields, depth + 1);
  }
  return product;
}

/** Whether a message gets through. Of a message that is no JSON object nothing matches in its body. */
export function passes(policy: FilterPolicy, body: string, attributes: Readonly<Record<string, Attribute>>): boolean {
  if (policy.scope === 'MessageAttributes') return matches(patternOf(policy), flattenAttributes(attributes));
  let content: unknown;
  try {
    content = JSON.parse(body);
  } catch {
    return false;
  }
  return typeof content === 'object' && content !== null && !Array.isArray(content) && matches(patternOf(policy), flatten(content));
}

function flattenAttributes(attributes: Readonly<Record<string, Attribute>>): FlatEvent {
  const elements = new Map<string, number>();
  return new Map(
    Object.entries(attributes).map(([name, attribute]) => [name, valuesOf(attribute).map((value) => ({ value, elements }))] as const),
  );
}

type Scalar = string | number | boolean | null;

/** What is compared: of binary attributes nothing. */
function valuesOf({ DataType = '', StringValue = '' }: Attribute): readonly Scalar[] {
  const [type] = DataType.split('.');
  if (type === 'Number') return [Number(StringValue)];
  if (type !== 'String') return [];
  if (DataType !== 'String.Array') return [StringValue];
  try {
    const values: unknown = JSON.parse(StringValue);
    return Array.isArray(values) ? values.filter((value): value is Scalar => typeof value !== 'object' || value === null) : [];
  } catch {
    return [];
  }
}
