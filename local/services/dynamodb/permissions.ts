/** What IAM must allow for each DynamoDB operation: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html */
import type { Permission } from '../../core/service.ts';
import { type AttributeValue, toBase64 } from './attribute.ts';
import { Placeholders } from './lexer.ts';
import { parseCondition } from './parser.ts';
import { readKeyCondition } from './reads.ts';
import type { TableSchema } from './schema.ts';

type Context = NonNullable<Permission['context']>;

/** `dynamodb:LeadingKeys` as policies compare it: the partition key as text. */
export function leadingKey(schema: TableSchema | undefined, item: Readonly<Record<string, unknown>> | undefined): Context {
  const value = schema === undefined ? undefined : (item?.[schema.hash] as AttributeValue | undefined);
  return value === undefined ? {} : { 'dynamodb:LeadingKeys': [textOf(value)] };
}

/** As {@link leadingKey}, of several items. */
export function leadingKeys(schema: TableSchema | undefined, items: readonly (Readonly<Record<string, unknown>> | undefined)[]): Context {
  const keys = items.flatMap((item) => leadingKey(schema, item)['dynamodb:LeadingKeys'] ?? []);
  return keys.length === 0 ? {} : { 'dynamodb:LeadingKeys': [...new Set(keys)] };
}

/** As {@link leadingKey}, of a Query: from its key condition, if that can be read. */
export function queriedKey(
  schema: TableSchema | undefined,
  input: {
    readonly IndexName?: string;
    readonly KeyConditionExpression?: string;
    readonly ExpressionAttributeNames?: Record<string, string>;
    readonly ExpressionAttributeValues?: Record<string, unknown>;
  },
): Context {
  const key = schema?.indexes.find(({ name }) => name === input.IndexName) ?? schema;
  if (key === undefined || input.KeyConditionExpression === undefined) return {};
  try {
    const placeholders = new Placeholders(input, { KeyConditionExpression: input.KeyConditionExpression });
    const condition = parseCondition('KeyConditionExpression', input.KeyConditionExpression, placeholders);
    return { 'dynamodb:LeadingKeys': [textOf(readKeyCondition(condition, key).hash)] };
  } catch {
    // An expression that cannot be read names no key; the operation itself will say what is wrong with it.
    return {};
  }
}

/** Keys that come from the request's own members. */
export function requestContext(input: {
  readonly Select?: string;
  readonly ReturnValues?: string;
  readonly ReturnConsumedCapacity?: string;
}): Context {
  return {
    ...(input.Select === undefined ? {} : { 'dynamodb:Select': input.Select }),
    ...(input.ReturnValues === undefined ? {} : { 'dynamodb:ReturnValues': input.ReturnValues }),
    ...(input.ReturnConsumedCapacity === undefined ? {} : { 'dynamodb:ReturnConsumedCapacity': input.ReturnConsumedCapacity }),
  };
}

function textOf(value: AttributeValue): string {
  if ('S' in value) return value.S;
  if ('N' in value) return value.N;
  return 'B' in value ? toBase64(value.B) : '';
}
