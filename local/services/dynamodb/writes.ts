/** PutItem, UpdateItem, DeleteItem and ConditionCheck: first understood, then evaluated, then written. */
import type { DeleteItemInput, PutItemInput, UpdateItemInput } from '@aws-sdk/client-dynamodb';
import { ServiceError } from '../../core/service.ts';
import { checkedItem, type Item, invalid, sizeOfItem } from './attribute.ts';
import { holds, project } from './evaluator.ts';
import type { Condition, Path, Update } from './expression.ts';
import { Placeholders } from './lexer.ts';
import { parseCondition, parseUpdate } from './parser.ts';
import { itemId, keyNames, requireKey, requireStorable } from './schema.ts';
import type { Table } from './table.ts';
import { applyUpdate, writtenPaths } from './update.ts';

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items */
export const LARGEST_ITEM = 400 * 1024;

/** A write that is well formed; nothing has been read yet. */
export interface Write {
  readonly table: Table;
  readonly id: string;
  readonly condition: Condition | undefined;
  /** Whether a failed condition tells the item that it met. */
  readonly tells: boolean;
  /** The item afterwards; a check returns what it got. @throws ServiceError ValidationException */
  readonly apply: (before: Item | undefined) => Item | undefined;
  /** False for a ConditionCheck. */
  readonly changes: boolean;
  /** What an update writes; empty for the others. */
  readonly written: readonly Path[];
}

/** What a write does, once its condition holds. */
export interface Change {
  readonly write: Write;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

interface Conditional {
  readonly ConditionExpression?: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, unknown>;
  readonly ReturnValuesOnConditionCheckFailure?: string;
}

const LEGACY = ['Expected', 'AttributeUpdates', 'ConditionalOperator', 'KeyConditions', 'QueryFilter', 'ScanFilter', 'AttributesToGet'];

/** @throws ServiceError for the parameters of before expressions, which local AWS does not know */
export function refuseLegacy(input: object): void {
  const found = LEGACY.find((name) => (input as Record<string, unknown>)[name] !== undefined);
  if (found !== undefined) throw invalid(`local AWS does not know the legacy parameter ${found}: use expressions`);
}

/** @throws ServiceError ValidationException */
export function putWrite(table: Table, input: PutItemInput & Conditional): Write {
  refuseLegacy(input);
  const item = checkedItem(input.Item ?? {});
  requireStorable(table.schema, item, 'put');
  if (sizeOfItem(item) > LARGEST_ITEM) throw invalid('Item size has exceeded the maximum allowed size');
  const { condition } = readExpressions(input);
  return { table, id: itemId(table.schema, item), condition, tells: tells(input), apply: () => item, changes: true, written: [] };
}

/** @throws ServiceError ValidationException */
export function deleteWrite(table: Table, input: DeleteItemInput & Conditional): Write {
  refuseLegacy(input);
  const key = readKey(table, input.Key);
  const { condition } = readExpressions(input);
  return { table, id: itemId(table.schema, key), condition, tells: tells(input), apply: () => undefined, changes: true, written: [] };
}

/** @throws ServiceError ValidationException */
export function checkWrite(table: Table, input: Conditional & { readonly Key?: Record<string, unknown> }): Write {
  const key = readKey(table, input.Key);
  if (input.ConditionExpression === undefined) throw invalid('ConditionCheck: ConditionExpression is required');
  const { condition } = readExpressions(input);
  return { table, id: itemId(table.schema, key), condition, tells: tells(input), apply: (before) => before, changes: false, written: [] };
}

/** @throws ServiceError ValidationException */
export function updateWrite(table: Table, input: UpdateItemInput & Conditional): Write {
  refuseLegacy(input);
  const key = readKey(table, input.Key);
  const { condition, update } = readExpressions(input, { UpdateExpression: input.UpdateExpression });
  const written = update === undefined ? [] : writtenPaths(update);
  for (const [first] of written)
    if (keyNames(table.schema).includes(first as string))
      throw invalid(`One or more parameter values were invalid: Cannot update attribute ${first}. This attribute is part of the key`);
  const apply = (before: Item | undefined): Item => {
    const start = before ?? key;
    const after = update === undefined ? start : applyUpdate(start, update);
    requireStorable(table.schema, after, 'update');
    if (sizeOfItem(after) > LARGEST_ITEM) throw invalid('Item size to update has exceeded the maximum allowed size');
    return after;
  };
  return { table, id: itemId(table.schema, key), condition, tells: tells(input), apply, changes: true, written };
}

/** @throws ServiceError ValidationException */
export function readKey(table: Table, given: Record<string, unknown> | undefined): Item {
  const key = checkedItem(given ?? {});
  requireKey(table.schema, key);
  return key;
}

function readExpressions(
  input: Conditional,
  update: { readonly UpdateExpression?: string | undefined } = {},
): { condition?: Condition; update?: Update } {
  const { ConditionExpression: condition } = input;
  const placeholders = new Placeholders(input, { ...update, ConditionExpression: condition });
  const parsed = {
    ...(update.UpdateExpression === undefined ? {} : { update: parseUpdate(update.UpdateExpression, placeholders) }),
    ...(condition === undefined ? {} : { condition: parseCondition('ConditionExpression', condition, placeholders) }),
  };
  placeholders.allUsed();
  return parsed;
}

function tells(input: Conditional): boolean {
  const asked = input.ReturnValuesOnConditionCheckFailure ?? 'NONE';
  if (asked !== 'NONE' && asked !== 'ALL_OLD')
    throw invalid(
      `1 validation error detected: Value '${asked}' at 'returnValuesOnConditionCheckFailure' failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, NONE]`,
    );
  return asked === 'ALL_OLD';
}

/**
 * What a write would do now. Nothing is changed yet.
 * @throws ServiceError ConditionalCheckFailedException (with `Item`, if the write tells it), ValidationException
 */
export function evaluate(write: Write): Change {
  const before = write.table.get(write.id);
  if (write.condition !== undefined && !holds(write.condition, before ?? {}))
    throw new ServiceError(
      'ConditionalCheckFailedException',
      'The conditional request failed',
      400,
      write.tells && before ? { Item: before } : {},
    );
  return { write, before, after: write.apply(before) };
}

/** Carries a change out. */
export function commit({ write, after }: Change): void {
  if (write.changes) write.table.write(write.id, after);
}

/** The attributes that ReturnValues asks for. @throws ServiceError where the operation does not know the value */
export function returnedAttributes(
  change: Change,
  asked: string | undefined = 'NONE',
  allowed: readonly string[] = ['NONE', 'ALL_OLD'],
): { Attributes?: Item } {
  const { write, before, after } = change;
  requireReturnValues(asked, allowed);
  const pick = (item: Item | undefined) => (item === undefined ? undefined : project(item, write.written));
  const attributes = { NONE: undefined, ALL_OLD: before, ALL_NEW: after, UPDATED_OLD: pick(before), UPDATED_NEW: pick(after) }[asked];
  return attributes === undefined || Object.keys(attributes).length === 0 ? {} : { Attributes: attributes };
}

/** @throws ServiceError ValidationException */
export function requireReturnValues(asked: string | undefined = 'NONE', allowed: readonly string[] = ['NONE', 'ALL_OLD']): void {
  if (!allowed.includes(asked)) throw invalid('Return values set to invalid value');
}

export const UPDATE_RETURN_VALUES = ['NONE', 'ALL_OLD', 'ALL_NEW', 'UPDATED_OLD', 'UPDATED_NEW'] as const;
