/** Amazon DynamoDB: conditional writes, queries, transactions, streams and the time to live. */
import type * as Api from '@aws-sdk/client-dynamodb';
import { type Call, type Operation, type Permission, type ResourceType, type Service, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { type Item, invalid } from './attribute.ts';
import { Capacity, sizeOrZero } from './capacity.ts';
import { conflict } from './conflict.ts';
import { project } from './evaluator.ts';
import { Placeholders } from './lexer.ts';
import { parseProjection } from './parser.ts';
import { leadingKey, leadingKeys, queriedKey, requestContext } from './permissions.ts';
import { query, scan } from './reads.ts';
import { dynamoDbResources } from './resources.ts';
import { itemId, keyNames, type TableSchema } from './schema.ts';
import type { RecordListener, StreamRecord, TableStream } from './stream.ts';
import type { Table } from './table.ts';
import { notFound, Tables, tableOperations } from './tables.ts';
import { Transactions } from './transactions.ts';
import {
  type Change,
  commit,
  deleteWrite,
  evaluate,
  putWrite,
  readKey,
  refuseLegacy,
  requireReturnValues,
  returnedAttributes,
  UPDATE_RETURN_VALUES,
  updateWrite,
  type Write,
} from './writes.ts';

declare module '../../core/site.ts' {
  interface Services {
    dynamodb: DynamoDb;
  }
}

export type { RecordListener, StreamRecord };

/** BatchGetItem returns at most 16 MB. */
const BATCH_BYTES = 16 * 1024 * 1024;

type Key = Readonly<Record<string, unknown>> | undefined;

export class DynamoDb implements Service {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly resources: Readonly<Record<string, ResourceType>>;
  private readonly site: Site;
  private readonly tables: Tables;
  private readonly transactions = new Transactions();

  constructor(site: Site) {
    this.site = site;
    this.tables = new Tables(site);
    this.resources = dynamoDbResources(this.tables);
    this.operations = { ...tableOperations(site, this.tables), ...this.itemOperations(), ...this.batchOperations() };
  }

  /**
   * Hands the records that are written from now on to `listener`, in batches, some hundred milliseconds later; the
   * order of each item's records is kept.
   * @returns ends it
   * @throws ServiceError ResourceNotFoundException
   */
  onRecord(streamArn: string, listener: RecordListener): () => void {
    const table = this.tableOf(streamArn);
    table.stream!.listen(listener);
    table.arm();
    return () => this.offRecord(streamArn, listener);
  }

  /** Ends what {@link onRecord} began; a stream that is gone has ended it already. */
  offRecord(streamArn: string, listener: RecordListener): void {
    this.tables.find(streamArn.split('/')[1] ?? '')?.stream?.unlisten(listener);
  }

  /** What a stream holds (24 hours), oldest first. @throws ServiceError ResourceNotFoundException */
  records(streamArn: string): readonly StreamRecord[] {
    return this.tableOf(streamArn).stream!.records;
  }

  /** The items of a table's partition as they stand, for tests: no call, no permission, no cost. */
  partition(table: string, hash: string): readonly Item[] {
    return this.tables.find(table)?.ordering()?.partition({ S: hash }) ?? [];
  }

  conflict(operation: string, input: object): ServiceError {
    return conflict(operation, input);
  }

  /** All tables with their items, as JSON. */
  save(): unknown {
    return this.tables.save();
  }

  /** Items of a table that is here already are replaced; other tables are made. */
  load(saved: unknown): void {
    this.tables.load(saved);
  }

  private tableOf(streamArn: string): Table & { stream: TableStream | undefined } {
    const table = this.tables.all.find(({ stream }) => stream?.arn === streamArn);
    if (table === undefined) throw notFound(`Requested resource not found: Stream: ${streamArn} not found`);
    return table;
  }

  // ---- what IAM must allow

  private schema(nameOrArn: string | undefined): TableSchema | undefined {
    try {
      return this.tables.find(nameOrArn)?.schema;
    } catch {
      // A name that is wrong names no table; the operation itself will say so.
      return undefined;
    }
  }

  private permission(action: string, table: string | undefined, context: Permission['context'] = {}, index?: string): Permission {
    const arn = table?.startsWith('arn:') === true ? table : this.site.arn('dynamodb', `table/${table ?? ''}`);
    return { action: `dynamodb:${action}`, resource: index === undefined ? arn : `${arn}/index/${index}`, context };
  }

  /** For operations on one item. */
  private onItem(action: string) {
    return (input: { TableName?: string; Key?: Key; Item?: Key; ReturnValues?: string; ReturnConsumedCapacity?: string }) => [
      this.permission(action, input.TableName, {
        ...leadingKey(this.schema(input.TableName), input.Key ?? input.Item),
        ...requestContext(input),
      }),
    ];
  }

  // ---- one item, and pages

  private itemOperations(): Readonly<Record<string, Operation>> {
    return {
      GetItem: { authorize: this.onItem('GetItem'), handle: (input: Api.GetItemInput) => this.getItem(input) },
      PutItem: {
        authorize: this.onItem('PutItem'),
        handle: (input: Api.PutItemInput) => {
          requireReturnValues(input.ReturnValues);
          return this.write(putWrite(this.tables.use(input.TableName), input), input);
        },
      },
      UpdateItem: {
        authorize: this.onItem('UpdateItem'),
        handle: (input: Api.UpdateItemInput) => {
          requireReturnValues(input.ReturnValues, UPDATE_RETURN_VALUES);
          return this.write(updateWrite(this.tables.use(input.TableName), input), input, UPDATE_RETURN_VALUES);
        },
      },
      DeleteItem: {
        authorize: this.onItem('DeleteItem'),
        handle: (input: Api.DeleteItemInput) => {
          requireReturnValues(input.ReturnValues);
          return this.write(deleteWrite(this.tables.use(input.TableName), input), input);
        },
      },
      Query: {
        authorize: (input: Api.QueryInput) => [
          this.permission(
            'Query',
            input.TableName,
            { ...queriedKey(this.schema(input.TableName), input), ...requestContext(input) },
            input.IndexName,
          ),
        ],
        handle: (input: Api.QueryInput) => this.page(query, input),
      },
      Scan: {
        authorize: (input: Api.ScanInput) => [this.permission('Scan', input.TableName, requestContext(input), input.IndexName)],
        handle: (input: Api.ScanInput) => this.page(scan, input),
      },
    };
  }

  private getItem(input: Api.GetItemInput) {
    refuseLegacy(input);
    const table = this.tables.use(input.TableName);
    const { item, size } = this.read(table, input);
    const capacity = new Capacity(this.site, input.ReturnConsumedCapacity);
    capacity.read(table, size, input.ConsistentRead === true ? 'consistent' : 'eventual');
    return { ...(item === undefined ? {} : { Item: item }), ...single(capacity) };
  }

  /** One item, as far as the projection asks for it, and the size of all of it. */
  private read(
    table: Table,
    input: { Key?: Record<string, unknown>; ProjectionExpression?: string; ExpressionAttributeNames?: Record<string, string> },
  ): { item: Item | undefined; size: number } {
    const key = readKey(table, input.Key);
    const placeholders = new Placeholders(
      { ExpressionAttributeNames: input.ExpressionAttributeNames },
      { ProjectionExpression: input.ProjectionExpression },
    );
    const paths = input.ProjectionExpression === undefined ? undefined : parseProjection(input.ProjectionExpression, placeholders);
    placeholders.allUsed();
    const whole = table.get(itemId(table.schema, key));
    return { item: whole === undefined || paths === undefined ? whole : project(whole, paths), size: sizeOrZero(whole) };
  }

  private write(write: Write, input: Api.UpdateItemInput | Api.PutItemInput | Api.DeleteItemInput, allowed?: readonly string[]) {
    const capacity = new Capacity(this.site, input.ReturnConsumedCapacity);
    let change: Change;
    try {
      change = evaluate(write);
    } catch (error) {
      // A refused write is billed as well.
      const met = write.table.get(write.id);
      if (error instanceof ServiceError && error.code === 'ConditionalCheckFailedException') capacity.write(write.table, met, met);
      throw error;
    }
    commit(change);
    capacity.write(write.table, change.before, change.after);
    return { ...returnedAttributes(change, input.ReturnValues, allowed), ...single(capacity) };
  }

  private page<Input extends Api.QueryInput | Api.ScanInput>(read: (table: Table, input: Input) => ReturnType<typeof query>, input: Input) {
    const table = this.tables.use(input.TableName);
    const { evaluated, ...page } = read(table, input);
    const capacity = new Capacity(this.site, input.ReturnConsumedCapacity);
    capacity.read(table, evaluated, input.ConsistentRead === true ? 'consistent' : 'eventual', input.IndexName);
    return { ...page, ...single(capacity) };
  }

  // ---- several items

  private batchOperations(): Readonly<Record<string, Operation>> {
    return {
      BatchGetItem: {
        authorize: (input: Api.BatchGetItemInput) =>
          Object.entries(input.RequestItems ?? {}).map(([name, { Keys }]) =>
            this.permission('BatchGetItem', name, { ...leadingKeys(this.schema(name), Keys ?? []), ...requestContext(input) }),
          ),
        handle: (input: Api.BatchGetItemInput) => this.batchGet(input),
      },
      BatchWriteItem: {
        authorize: (input: Api.BatchWriteItemInput) =>
          Object.entries(input.RequestItems ?? {}).map(([name, requests]) =>
            this.permission('BatchWriteItem', name, {
              ...leadingKeys(
                this.schema(name),
                requests.map(({ PutRequest, DeleteRequest }) => PutRequest?.Item ?? DeleteRequest?.Key),
              ),
              ...requestContext(input),
            }),
          ),
        handle: (input: Api.BatchWriteItemInput) => this.batchWrite(input),
      },
      TransactWriteItems: {
        // Authorised item by item: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
        authorize: (input: Api.TransactWriteItemsInput) =>
          (input.TransactItems ?? []).flatMap(({ ConditionCheck, Put, Update, Delete }) =>
            Object.entries({ ConditionCheckItem: ConditionCheck, PutItem: Put, UpdateItem: Update, DeleteItem: Delete }).flatMap(
              ([action, item]) => (item === undefined ? [] : this.enclosed(action, 'TransactWriteItems', item)),
            ),
          ),
        handle: (input: Api.TransactWriteItemsInput, call: Call) => this.transactWrite(input, call),
      },
      TransactGetItems: {
        authorize: (input: Api.TransactGetItemsInput) =>
          (input.TransactItems ?? []).flatMap(({ Get }) => (Get === undefined ? [] : this.enclosed('GetItem', 'TransactGetItems', Get))),
        handle: (input: Api.TransactGetItemsInput) => this.transactGet(input),
      },
    };
  }

  private enclosed(action: string, operation: string, item: { TableName?: string | undefined; Key?: Key; Item?: Key }): Permission[] {
    const keys = leadingKey(this.schema(item.TableName), item.Key ?? item.Item);
    // ConditionCheckItem exists in transactions only, and does not know this key.
    const enclosing: Permission['context'] = action === 'ConditionCheckItem' ? {} : { 'dynamodb:EnclosingOperation': operation };
    const context = { ...keys, ...enclosing };
    return [this.permission(action, item.TableName, context)];
  }

  private batchGet(input: Api.BatchGetItemInput) {
    const requests = Object.entries(input.RequestItems ?? {});
    const count = requests.reduce((sum, [, { Keys }]) => sum + (Keys?.length ?? 0), 0);
    if (count === 0)
      throw invalid('1 validation error detected: Value at requestItems failed to satisfy constraint: Member must not be empty');
    if (count > 100) throw invalid('Too many items requested for the BatchGetItem call');
    const capacity = new Capacity(this.site, input.ReturnConsumedCapacity);
    const responses: Record<string, Item[]> = {};
    const unprocessed: Record<string, Api.KeysAndAttributes> = {};
    let bytes = 0;
    for (const [name, request] of requests) {
      refuseLegacy(request);
      const table = this.tables.use(name);
      const { Keys: keys = [], ...rest } = request;
      const ids = keys.map((key) => itemId(table.schema, readKey(table, key)));
      if (new Set(ids).size < ids.length) throw invalid('Provided list of item keys contains duplicates');
      const found: Item[] = [];
      responses[name] = found;
      for (const [at, key] of keys.entries()) {
        const { item, size } = this.read(table, { ...rest, Key: key });
        if (bytes + size > BATCH_BYTES) {
          unprocessed[name] = { ...rest, Keys: keys.slice(at) };
          break;
        }
        bytes += size;
        capacity.read(table, size, rest.ConsistentRead === true ? 'consistent' : 'eventual');
        if (item !== undefined) found.push(item);
      }
    }
    return { Responses: responses, UnprocessedKeys: unprocessed, ...several(capacity) };
  }

  private batchWrite(input: Api.BatchWriteItemInput) {
    const requests = Object.entries(input.RequestItems ?? {});
    const count = requests.reduce((sum, [, { length }]) => sum + length, 0);
    if (count === 0)
      throw invalid('1 validation error detected: Value at requestItems failed to satisfy constraint: Member must not be empty');
    if (count > 25) throw invalid('Too many items requested for the BatchWriteItem call');
    const writes = requests.flatMap(([name, list]) => {
      const table = this.tables.use(name);
      return list.map(({ PutRequest, DeleteRequest }) => {
        if ((PutRequest === undefined) === (DeleteRequest === undefined))
          throw invalid(
            'Supplied AttributeValue has more than one datatypes set, must contain exactly one of PutRequest and DeleteRequest',
          );
        // A batch says less than PutItem does.
        if (PutRequest !== undefined && keyNames(table.schema).some((key) => PutRequest.Item?.[key] === undefined))
          throw invalid('The provided key element does not match the schema');
        return PutRequest === undefined
          ? deleteWrite(table, { TableName: name, Key: DeleteRequest!.Key })
          : putWrite(table, { TableName: name, Item: PutRequest.Item });
      });
    });
    if (new Set(writes.map(({ table, id }) => `${table.arn}/${id}`)).size < writes.length)
      throw invalid('Provided list of item keys contains duplicates');
    const capacity = new Capacity(this.site, input.ReturnConsumedCapacity);
    for (const write of writes) {
      const change = evaluate(write);
      commit(change);
      capacity.write(write.table, change.before, change.after);
    }
    return { UnprocessedItems: {}, ...several(capacity) };
  }

  private transactWrite(input: Api.TransactWriteItemsInput, call: Call) {
    const changes = this.transactions.write(input, call.now, (name) => this.tables.use(name));
    const capacity = new Capacity(this.site, input.ReturnConsumedCapacity);
    for (const { write, before, after } of changes) capacity.write(write.table, before, after, true);
    return several(capacity);
  }

  private transactGet(input: Api.TransactGetItemsInput) {
    const items = input.TransactItems ?? [];
    if (items.length === 0 || items.length > 100)
      throw invalid(
        `1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length ${items.length === 0 ? 'greater than or equal to 1' : 'less than or equal to 100'}`,
      );
    const capacity = new Capacity(this.site, input.ReturnConsumedCapacity);
    const responses = items.map(({ Get: get }) => {
      const table = this.tables.use(get?.TableName);
      const { item, size } = this.read(table, get ?? {});
      capacity.read(table, size, 'transactional');
      return item === undefined ? {} : { Item: item };
    });
    return { Responses: responses, ...several(capacity) };
  }
}

const single = ({ consumed }: Capacity) => (consumed === undefined ? {} : { ConsumedCapacity: consumed[0] });
const several = ({ consumed }: Capacity) => (consumed === undefined ? {} : { ConsumedCapacity: consumed });
