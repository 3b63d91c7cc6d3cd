/** Query and Scan: which items, in which order, how many to a page. */
import type { QueryInput, ScanInput } from '@aws-sdk/client-dynamodb';
import { type AttributeValue, checkedItem, compareValues, has, type Item, invalid, sizeOfItem, typeOf } from './attribute.ts';
import { beginsWith, holds, project } from './evaluator.ts';
import { type Condition, type Operand, type Path, pathsOf } from './expression.ts';
import { Placeholders } from './lexer.ts';
import { parseCondition, parseProjection } from './parser.ts';
import { type IndexSchema, type KeySchema, keyNames, keyOf, projected } from './schema.ts';
import type { Ordering, Table } from './table.ts';
import { refuseLegacy } from './writes.ts';

/** Query and Scan evaluate at most one megabyte of items for a page. */
const PAGE = 1024 * 1024;

export interface Page {
  readonly Items?: readonly Item[];
  readonly Count: number;
  readonly ScannedCount: number;
  readonly LastEvaluatedKey?: Item;
  /** Bytes that were evaluated. */
  readonly evaluated: number;
}

type Input = (QueryInput | ScanInput) & { readonly ExclusiveStartKey?: Record<string, unknown>; readonly Limit?: number };

/** @throws ServiceError ValidationException */
export function query(table: Table, input: QueryInput): Page {
  refuseLegacy(input);
  const { ordering, index } = source(table, input);
  const { KeyConditionExpression: text, FilterExpression, ProjectionExpression } = input;
  if (text === undefined) throw invalid('Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.');
  const placeholders = new Placeholders(input, { FilterExpression, KeyConditionExpression: text, ProjectionExpression });
  const view = readView(table, index, input, placeholders);
  const key = readKeyCondition(parseCondition('KeyConditionExpression', text, placeholders), ordering.key);
  placeholders.allUsed();
  for (const [first] of view.filter === undefined ? [] : pathsOf(view.filter))
    if (keyNames(ordering.key).includes(first as string))
      throw invalid(`Filter Expression can only contain non-primary key attributes: Primary key attribute: ${first}`);
  requireTypes(table, key, ordering.key);
  const forward = input.ScanIndexForward ?? true;
  const start = readStart(table, index, input);
  const partition = ordering.partition(key.hash);
  const found = where(
    forward ? partition : backward(partition),
    (item) =>
      (key.range?.(item[ordering.key.range!]!) ?? true) && (start === undefined || ordering.compare(item, start) * (forward ? 1 : -1) > 0),
  );
  return page(table, index, found, input, view);
}

/** Those that hold, each looked at when it is asked for. Iterators have a filter of their own only from Node 22 on. */
function* where(items: Iterable<Item>, holds: (item: Item) => boolean): Generator<Item> {
  for (const item of items) if (holds(item)) yield item;
}

function* backward(items: readonly Item[]): Generator<Item> {
  for (let index = items.length - 1; index >= 0; index--) yield items[index]!;
}

/** @throws ServiceError ValidationException */
export function scan(table: Table, input: ScanInput): Page {
  refuseLegacy(input);
  const { ordering, index } = source(table, input);
  const { FilterExpression, ProjectionExpression, Segment: segment, TotalSegments: segments } = input;
  const placeholders = new Placeholders(input, { FilterExpression, ProjectionExpression });
  const view = readView(table, index, input, placeholders);
  placeholders.allUsed();
  if ((segment === undefined) !== (segments === undefined))
    throw invalid(
      segment === undefined
        ? 'The Segment parameter is required but was not present in the request when parameter TotalSegments is present'
        : 'The TotalSegments parameter is required but was not present in the request when Segment parameter is present',
    );
  if (segment !== undefined && segment >= segments!)
    throw invalid(
      `The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: ${segment} is not less than TotalSegments: ${segments}`,
    );
  const start = readStart(table, index, input);
  const items = ordering.scan(segment, segments);
  return page(table, index, start === undefined ? items : items.filter((item) => ordering.follows(item, start)), input, view);
}

function source(table: Table, input: Input): { ordering: Ordering; index: IndexSchema | undefined } {
  const index = table.schema.indexes.find(({ name }) => name === input.IndexName);
  const ordering = table.ordering(input.IndexName);
  if (ordering === undefined) throw invalid(`The table does not have the specified index: ${input.IndexName}`);
  if (index?.kind === 'global' && input.ConsistentRead === true)
    throw invalid('Consistent reads are not supported on global secondary indexes');
  if (input.Limit !== undefined && input.Limit < 1)
    throw invalid(
      `1 validation error detected: Value '${input.Limit}' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1`,
    );
  return { ordering, index };
}

interface View {
  readonly filter: Condition | undefined;
  /** Parts to return; all, if undefined. */
  readonly paths: readonly Path[] | undefined;
  readonly counts: boolean;
}

function readView(table: Table, index: IndexSchema | undefined, input: Input, placeholders: Placeholders): View {
  const { FilterExpression, ProjectionExpression, Select: select } = input;
  const filter = FilterExpression === undefined ? undefined : parseCondition('FilterExpression', FilterExpression, placeholders);
  const paths = ProjectionExpression === undefined ? undefined : parseProjection(ProjectionExpression, placeholders);
  if (paths !== undefined && select !== undefined && select !== 'SPECIFIC_ATTRIBUTES')
    throw invalid(`Cannot specify the ProjectionExpression when choosing to get ${select === 'COUNT' ? 'only the Count' : select}`);
  if (paths === undefined && select === 'SPECIFIC_ATTRIBUTES')
    throw invalid('Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES');
  if (select === 'ALL_PROJECTED_ATTRIBUTES' && index === undefined)
    throw invalid('ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName');
  if (index?.kind === 'global' && index.projection !== 'ALL') {
    if (select === 'ALL_ATTRIBUTES')
      throw invalid(
        `One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index ${index.name} because its projection type is not ALL`,
      );
    const carried = new Set([...keyNames(table.schema), ...keyNames(index), ...index.included]);
    const missing = (paths ?? []).map(([first]) => first as string).filter((name) => !carried.has(name));
    if (missing.length > 0)
      throw invalid(
        `One or more parameter values were invalid: Global secondary index ${index.name} does not project [${missing.join(', ')}]`,
      );
  }
  return { filter, paths, counts: select === 'COUNT' };
}

function readStart(table: Table, index: IndexSchema | undefined, input: Input): Item | undefined {
  if (input.ExclusiveStartKey === undefined || Object.keys(input.ExclusiveStartKey).length === 0) return undefined;
  const start = checkedItem(input.ExclusiveStartKey);
  const names = new Set([...keyNames(table.schema), ...(index === undefined ? [] : keyNames(index))]);
  const fits =
    Object.keys(start).length === names.size &&
    [...names].every((name) => has(start, name) && typeOf(start[name]!) === table.schema.types[name]);
  if (!fits) throw invalid('The provided starting key is invalid');
  return start;
}

function page(table: Table, index: IndexSchema | undefined, items: Iterable<Item>, input: Input, view: View): Page {
  const found: Item[] = [];
  let evaluated = 0;
  let scanned = 0;
  let last: Item | undefined;
  let more = false;
  for (const whole of items) {
    // A local index fetches from the table what it does not carry; a global one cannot.
    const fetches = index?.kind === 'local' && (view.paths !== undefined || input.Select === 'ALL_ATTRIBUTES');
    const item = index === undefined || fetches ? whole : projected(table.schema, index, whole);
    const size = sizeOfItem(item);
    if (scanned > 0 && evaluated + size > PAGE) {
      more = true;
      break;
    }
    evaluated += size;
    scanned++;
    last = whole;
    if (view.filter === undefined || holds(view.filter, item)) found.push(view.paths === undefined ? item : project(item, view.paths));
    if (scanned === input.Limit) {
      more = true;
      break;
    }
  }
  return {
    ...(view.counts ? {} : { Items: found }),
    Count: found.length,
    ScannedCount: scanned,
    ...(more && last !== undefined ? { LastEvaluatedKey: keyOf(last, table.schema, ...(index === undefined ? [] : [index])) } : {}),
    evaluated,
  };
}

// ---- key conditions

export interface KeyCondition {
  readonly hash: AttributeValue;
  /** Whether a range key lies within the condition. */
  readonly range?: (value: AttributeValue) => boolean;
  readonly rangeValues: readonly AttributeValue[];
}

/**
 * Splits a key condition: equality of the hash key, at most one condition on the range key.
 * @throws ServiceError ValidationException
 */
export function readKeyCondition(condition: Condition, key: KeySchema): KeyCondition {
  let hash: AttributeValue | undefined;
  let range: Pick<KeyCondition, 'range' | 'rangeValues'> | undefined;
  for (const part of conjuncts(condition)) {
    const { name, equals, holds: within, values } = readPart(part);
    if (name === key.hash) {
      if (hash !== undefined) throw invalid('KeyConditionExpressions must only contain one condition per key');
      if (equals === undefined) throw invalid('Query key condition not supported');
      hash = equals;
    } else if (name === key.range) {
      if (range !== undefined) throw invalid('KeyConditionExpressions must only contain one condition per key');
      range = { range: within, rangeValues: values };
    } else throw invalid(`Query condition missed key schema element: ${hash === undefined ? key.hash : (key.range ?? key.hash)}`);
  }
  if (hash === undefined) throw invalid(`Query condition missed key schema element: ${key.hash}`);
  return { hash, rangeValues: [], ...range };
}

function conjuncts(condition: Condition): readonly Condition[] {
  if (condition.kind === 'and') return [...conjuncts(condition.left), ...conjuncts(condition.right)];
  return [condition];
}

interface Part {
  readonly name: string;
  readonly equals?: AttributeValue;
  readonly values: readonly AttributeValue[];
  readonly holds: (value: AttributeValue) => boolean;
}

function readPart(part: Condition): Part {
  const unsupported = (operator: string) =>
    invalid(`Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: ${operator}`);
  switch (part.kind) {
    case 'compare': {
      const { comparator } = part;
      if (comparator === '<>') throw unsupported('<>');
      const swapped = part.left.kind === 'value' && part.right.kind === 'path';
      const name = attribute(swapped ? part.right : part.left);
      const value = literal(swapped ? part.left : part.right);
      const turned = swapped ? ({ '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const)[comparator] : comparator;
      const within = (order: number) => ({ '=': order === 0, '<': order < 0, '<=': order <= 0, '>': order > 0, '>=': order >= 0 })[turned];
      return {
        name,
        values: [value],
        ...(turned === '=' ? { equals: value } : {}),
        holds: (one) => within(compareValues(one, value) ?? Number.NaN),
      };
    }
    case 'between': {
      const [low, high] = [literal(part.low), literal(part.high)];
      const holds = (one: AttributeValue) => (compareValues(one, low) ?? -1) >= 0 && (compareValues(one, high) ?? 1) <= 0;
      return { name: attribute(part.operand), values: [low, high], holds };
    }
    case 'begins_with': {
      const prefix = literal(part.other);
      return { name: attribute(part.operand), values: [prefix], holds: (one) => beginsWith(one, prefix) };
    }
    default:
      throw unsupported(part.kind.toUpperCase().startsWith('ATTRIBUTE') || part.kind === 'contains' ? part.kind : part.kind.toUpperCase());
  }
}

function attribute(operand: Operand): string {
  if (operand.kind !== 'path')
    throw invalid('Invalid KeyConditionExpression: Invalid condition in KeyConditionExpression: No key attribute specified');
  if (operand.path.length > 1)
    throw invalid('Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes');
  return operand.path[0] as string;
}

function literal(operand: Operand): AttributeValue {
  if (operand.kind !== 'value')
    throw invalid(
      'Invalid KeyConditionExpression: Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition',
    );
  return operand.value;
}

function requireTypes(table: Table, condition: KeyCondition, key: KeySchema): void {
  const fits = (name: string, value: AttributeValue) => typeOf(value) === table.schema.types[name];
  if (!fits(key.hash, condition.hash) || !condition.rangeValues.every((value) => fits(key.range!, value)))
    throw invalid('One or more parameter values were invalid: Condition parameter type does not match schema type');
  const empty = ('S' in condition.hash && condition.hash.S === '') || ('B' in condition.hash && condition.hash.B.length === 0);
  if (empty)
    throw invalid(
      `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty ${'B' in condition.hash ? 'binary' : 'string'} value. Key: ${key.hash}`,
    );
}
