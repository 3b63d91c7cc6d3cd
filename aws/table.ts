/** One DynamoDB table with keys `pk` and `sk`, as plain values: conditional puts and gets, nothing clever. */
import {
  type AttributeValue,
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactionConflictException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { type Connection, clientSettings } from './clients.ts';

/** The part of the index that is empty when nothing happens: waits, queues, answers, releases in progress. The sweep reads it, and nothing else. */
export const OPEN = 'OPEN';

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** Where a promotion is written down: its end is the end of its ticket in every queue. */
export const promotionKey = (promotion: string): Key => ({ pk: `PROMOTION#${promotion}`, sk: 'PROMOTION' });

/** A write of a transaction. */
export interface Write {
  /** Where it is not the table that the transaction is asked of. */
  readonly table?: string;
  readonly key: Key;
  /** The whole item without its key; without `item` and `set` it is deleted. */
  readonly item?: object;
  /** Fields to change instead, leaving the others alone; undefined removes one. */
  readonly set?: Readonly<Record<string, unknown>>;
  /** Nothing is written: the condition alone must hold. */
  readonly check?: true;
  /** A condition on the item that is there now. */
  readonly when?: Condition;
}

export interface Condition {
  readonly expression: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Readonly<Record<string, unknown>>;
}

export const isAbsent: Condition = { expression: 'attribute_not_exists(pk)' };
const isPresent: Condition = { expression: 'attribute_exists(pk)' };

/** Every attribute of `fields` has the value given; one that is undefined must be absent. */
export function has(fields: Readonly<Record<string, unknown>>): Condition {
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const parts = Object.entries(fields).map(([name, value], index) => {
    names[`#h${index}`] = name;
    if (value === undefined) return `attribute_not_exists(#h${index})`;
    values[`:h${index}`] = value;
    return `#h${index} = :h${index}`;
  });
  return { expression: parts.join(' AND '), names, values };
}

/**
 * A write that meets somebody else's transaction is tried again, which the SDK does not do: ten tries with full jitter over
 * waits that grow from 50 ms to a second, at most about seven seconds in all, well below every Lambda's timeout.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
 */
const CONFLICT = { tries: 10, first: 50, most: 1_000 };

export class Table {
  readonly name: string;
  readonly client: DynamoDBClient;

  constructor(name: string, connection: Connection = {}) {
    this.name = name;
    this.client = new DynamoDBClient(clientSettings(connection));
  }

  /** Writes, again and again while another transaction is under way for an item of it. */
  private async write<Output>(send: (client: DynamoDBClient) => Promise<Output>): Promise<Output> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await send(this.client);
      } catch (error) {
        if (attempt === CONFLICT.tries || !isConflict(error)) throw error;
        await pause(attempt);
      }
    }
  }

  /** The item without its keys, read consistently. */
  async get<Item>(key: Key): Promise<Item | undefined> {
    const { Item } = await this.client.send(new GetItemCommand({ TableName: this.name, Key: marshall(key), ConsistentRead: true }));
    return Item === undefined ? undefined : (withoutKeys(unmarshall(Item)) as Item);
  }

  /** Several items without their keys, read consistently and in one call: in the order of the keys, undefined where there is none. */
  async getMany(keys: readonly Key[]): Promise<(object | undefined)[]> {
    const found = new Map<string, object>();
    let left = [...new Map(keys.map((key) => [idOf(key), key])).values()];
    for (let attempt = 1; left.length > 0; attempt++) {
      const Keys = left.slice(0, KEYS_PER_CALL).map((key) => marshall(key));
      const { Responses = {}, UnprocessedKeys = {} } = await this.client.send(
        new BatchGetItemCommand({ RequestItems: { [this.name]: { Keys, ConsistentRead: true } } }),
      );
      for (const item of Responses[this.name] ?? []) {
        const plain = unmarshall(item);
        found.set(idOf(plain as Key), withoutKeys(plain));
      }
      const again = (UnprocessedKeys[this.name]?.Keys ?? []).map((key) => unmarshall(key) as Key);
      left = [...again, ...left.slice(KEYS_PER_CALL)];
      // What is not processed is throttled, and comes back without an error.
      if (again.length > 0) await pause(attempt);
    }
    return keys.map((key) => found.get(idOf(key)));
  }

  /** @returns false if the condition did not hold */
  put(key: Key, item: object, when?: Condition): Promise<boolean> {
    const command = new PutItemCommand({ TableName: this.name, Item: marshalled({ ...item, ...key }), ...conditionOf(when) });
    return holds(this.write((client) => client.send(command)));
  }

  /** Sets the fields given (undefined removes one), leaving the others alone. @returns false if the condition did not hold */
  set(key: Key, fields: Readonly<Record<string, unknown>>, when: Condition = isPresent): Promise<boolean> {
    const command = new UpdateItemCommand(this.updateOf(key, fields, when));
    return holds(this.write((client) => client.send(command)));
  }

  /** An update in DynamoDB's own words, for arithmetic. @returns the new item, or undefined if the condition did not hold */
  async update<Item>(key: Key, update: string, when: Condition): Promise<Item | undefined> {
    const command = new UpdateItemCommand({
      TableName: this.name,
      Key: marshall(key),
      UpdateExpression: update,
      ConditionExpression: when.expression,
      ...(when.names ? { ExpressionAttributeNames: when.names } : {}),
      ...(when.values ? { ExpressionAttributeValues: marshalled(when.values) } : {}),
      ReturnValues: 'ALL_NEW',
    });
    try {
      const { Attributes } = await this.write((client) => client.send(command));
      return withoutKeys(unmarshall(Attributes ?? {})) as Item;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  }

  /** @returns false if the condition did not hold */
  delete(key: Key, when?: Condition): Promise<boolean> {
    const command = new DeleteItemCommand({ TableName: this.name, Key: marshall(key), ...conditionOf(when) });
    return holds(this.write((client) => client.send(command)));
  }

  /** All writes, or none. @returns false if a condition did not hold */
  async transact(writes: readonly Write[]): Promise<boolean> {
    return (await this.tryTransact(writes)).length === 0;
  }

  /** All writes, or none. @returns the places of those whose condition did not hold; none if all was written */
  async tryTransact(writes: readonly Write[]): Promise<readonly number[]> {
    const items = writes.map(({ table = this.name, key, item, set, check, when }): TransactWriteItem => {
      if (check) return { ConditionCheck: { TableName: table, Key: marshall(key), ...expressionOf(when ?? isPresent) } };
      if (set !== undefined) return { Update: { ...this.updateOf(key, set, when ?? isPresent), TableName: table } };
      const condition = conditionOf(when);
      return item === undefined
        ? { Delete: { TableName: table, Key: marshall(key), ...condition } }
        : { Put: { TableName: table, Item: marshalled({ ...item, ...key }), ...condition } };
    });
    const command = new TransactWriteItemsCommand({ TransactItems: items });
    try {
      await this.write((client) => client.send(command));
      return [];
    } catch (error) {
      const reasons = (error instanceof TransactionCanceledException && error.CancellationReasons) || [];
      const failed = reasons.flatMap(({ Code }, index) => (Code === 'ConditionalCheckFailed' ? [index] : []));
      if (failed.length > 0) return failed;
      throw error;
    }
  }

  private updateOf(key: Key, fields: Readonly<Record<string, unknown>>, when: Condition) {
    const names: Record<string, string> = { ...when.names };
    const values: Record<string, unknown> = { ...when.values };
    const sets: string[] = [];
    const removes: string[] = [];
    Object.entries(fields).forEach(([name, value], index) => {
      names[`#f${index}`] = name;
      if (value === undefined) removes.push(`#f${index}`);
      else {
        values[`:f${index}`] = value;
        sets.push(`#f${index} = :f${index}`);
      }
    });
    const update = [sets.length > 0 ? `SET ${sets.join(', ')}` : '', removes.length > 0 ? `REMOVE ${removes.join(', ')}` : ''];
    return {
      TableName: this.name,
      Key: marshall(key),
      UpdateExpression: update.filter(Boolean).join(' '),
      ConditionExpression: when.expression,
      ExpressionAttributeNames: names,
      ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: marshalled(values) } : {}),
    };
  }

  /** All items of a partition whose sort key begins with `prefix`, in order, read consistently. */
  async query<Item>(
    pk: string,
    prefix = '',
    { newestFirst = false, limit }: { newestFirst?: boolean; limit?: number } = {},
  ): Promise<(Item & Key)[]> {
    return this.pages<Item>({ partition: 'pk', sort: 'sk', value: pk, prefix, newestFirst, limit });
  }

  /** The same by the table's index `index`; what was written a moment ago may be missing. */
  async queryIndex<Item>(
    gpk: string,
    prefix = '',
    { newestFirst = false, limit }: { newestFirst?: boolean; limit?: number } = {},
  ): Promise<(Item & Key)[]> {
    return this.pages<Item>({ index: 'index', partition: 'gpk', sort: 'gsk', value: gpk, prefix, newestFirst, limit });
  }

  private async pages<Item>(query: {
    index?: string;
    partition: string;
    sort: string;
    value: string;
    prefix: string;
    newestFirst: boolean;
    limit: number | undefined;
  }): Promise<(Item & Key)[]> {
    const found: (Item & Key)[] = [];
    let start: Record<string, AttributeValue> | undefined;
    const page = () =>
      this.client.send(
        new QueryCommand({
          TableName: this.name,
          ...(query.index ? { IndexName: query.index } : { ConsistentRead: true }),
          KeyConditionExpression: query.prefix ? '#p = :p AND begins_with(#s, :s)' : '#p = :p',
          ExpressionAttributeNames: query.prefix ? { '#p': query.partition, '#s': query.sort } : { '#p': query.partition },
          ExpressionAttributeValues: marshall(query.prefix ? { ':p': query.value, ':s': query.prefix } : { ':p': query.value }),
          ScanIndexForward: !query.newestFirst,
          ...(query.limit === undefined ? {} : { Limit: query.limit - found.length }),
          ...(start ? { ExclusiveStartKey: start } : {}),
        }),
      );
    do {
      const { Items = [], LastEvaluatedKey } = await page();
      found.push(...Items.map((item) => unmarshall(item) as Item & Key));
      start = LastEvaluatedKey;
    } while (start !== undefined && (query.limit === undefined || found.length < query.limit));
    return found;
  }
}

/** Whether a write was refused only because another transaction was under way; where a condition failed too, that decides. */
function isConflict(error: unknown): boolean {
  if (error instanceof TransactionConflictException) return true;
  if (!(error instanceof TransactionCanceledException)) return false;
  const codes = (error.CancellationReasons ?? []).map(({ Code }) => Code);
  return codes.includes('TransactionConflict') && !codes.includes('ConditionalCheckFailed');
}

/** Whether the condition of a write held. */
async function holds(written: Promise<unknown>): Promise<boolean> {
  try {
    await written;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** Waits before another try, with full jitter. @param attempt counted from 1 */
export const pause = (attempt: number) =>
  new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(CONFLICT.first * 2 ** (attempt - 1), CONFLICT.most)));

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const KEYS_PER_CALL = 100;

/** One text for a key. */
export const idOf = ({ pk, sk }: Key) => `${pk}\n${sk}`;

export const marshalled = (value: object) => marshall(value, { removeUndefinedValues: true });

const conditionOf = (when: Condition | undefined) => (when === undefined ? {} : expressionOf(when));

function expressionOf(when: Condition) {
  return {
    ConditionExpression: when.expression,
    ...(when.names && Object.keys(when.names).length > 0 ? { ExpressionAttributeNames: when.names } : {}),
    ...(when.values && Object.keys(when.values).length > 0 ? { ExpressionAttributeValues: marshalled(when.values) } : {}),
  };
}

function withoutKeys(item: Record<string, unknown>): Record<string, unknown> {
  const { pk: _pk, sk: _sk, gpk: _gpk, gsk: _gsk, ...rest } = item;
  return rest;
}
