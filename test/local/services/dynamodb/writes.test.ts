import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  TransactGetItemsCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createLab, type Lab, LEDGER } from './lab.ts';

let lab: Lab;
beforeEach(() => {
  lab = createLab();
  lab.table(LEDGER);
});

const TableName = 'ledger';
const key = (sk: string) => ({ pk: { S: 'orders' }, sk: { S: sk } });
const put = (Item: Record<string, AttributeValue>, condition?: string) =>
  lab.client.send(new PutItemCommand({ TableName, Item, ConditionExpression: condition }));
const get = async (sk: string) => (await lab.client.send(new GetItemCommand({ TableName, Key: key(sk) }))).Item;
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error('should have failed');
    },
    (error) => error,
  );

describe('a conditional write', () => {
  it('that loses says so in the words that code relies on, and changes nothing', async () => {
    await put({ ...key('1'), holder: { S: 'first' } }, 'attribute_not_exists(pk)');
    const error = await failure(put({ ...key('1'), holder: { S: 'second' } }, 'attribute_not_exists(pk)'));
    expect(error).toBeInstanceOf(ConditionalCheckFailedException);
    expect(error).toMatchObject({ name: 'ConditionalCheckFailedException', message: 'The conditional request failed' });
    expect(error.Item).toBeUndefined();
    expect(error.$metadata.httpStatusCode).toBe(400);
    expect(await get('1')).toEqual({ ...key('1'), holder: { S: 'first' } });
  });

  it('tells the item that it met if it is asked to', async () => {
    await put({ ...key('1'), holder: { S: 'first' } });
    const condition = {
      ConditionExpression: 'holder = :h',
      ExpressionAttributeValues: { ':h': { S: 'other' } },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    } as const;
    const errors = [
      await failure(lab.client.send(new PutItemCommand({ TableName, Item: key('1'), ...condition }))),
      await failure(lab.client.send(new DeleteItemCommand({ TableName, Key: key('1'), ...condition }))),
      await failure(lab.client.send(new UpdateItemCommand({ TableName, Key: key('1'), ...condition }))),
    ];
    for (const error of errors) expect(error.Item).toEqual({ ...key('1'), holder: { S: 'first' } });
  });

  it('of which many start at once has one winner', async () => {
    await put({ ...key('1'), version: { N: '0' } });
    const attempts = Array.from({ length: 20 }, (_, writer) =>
      lab.client
        .send(
          new UpdateItemCommand({
            TableName,
            Key: key('1'),
            UpdateExpression: 'SET version = version + :one, writer = :w',
            ConditionExpression: 'version = :seen',
            ExpressionAttributeValues: { ':one': { N: '1' }, ':seen': { N: '0' }, ':w': { N: String(writer) } },
          }),
        )
        .then(
          () => writer,
          () => undefined,
        ),
    );
    const winners = (await Promise.all(attempts)).filter((writer) => writer !== undefined);
    expect(winners).toHaveLength(1);
    expect(await get('1')).toMatchObject({ version: { N: '1' }, writer: { N: String(winners[0]) } });
  });
});

describe('PutItem and DeleteItem', () => {
  it('return the old item on ALL_OLD and refuse what only updates know', async () => {
    await put({ ...key('1'), a: { N: '1' } });
    const replaced = await lab.client.send(new PutItemCommand({ TableName, Item: key('1'), ReturnValues: 'ALL_OLD' }));
    expect(replaced.Attributes).toEqual({ ...key('1'), a: { N: '1' } });
    await expect(lab.client.send(new PutItemCommand({ TableName, Item: key('1'), ReturnValues: 'ALL_NEW' }))).rejects.toThrow(
      'Return values set to invalid value',
    );
    const deleted = await lab.client.send(new DeleteItemCommand({ TableName, Key: key('1'), ReturnValues: 'ALL_OLD' }));
    expect(deleted.Attributes).toEqual(key('1'));
    expect(await get('1')).toBeUndefined();
    expect(
      (await lab.client.send(new DeleteItemCommand({ TableName, Key: key('1'), ReturnValues: 'ALL_OLD' }))).Attributes,
    ).toBeUndefined();
  });

  const refused: [what: string, item: Record<string, AttributeValue>, message: string][] = [
    ['a missing key', { pk: { S: 'a' } }, 'One or more parameter values were invalid: Missing the key sk in the item'],
    [
      'a key of another type',
      { pk: { S: 'a' }, sk: { N: '1' } },
      'One or more parameter values were invalid: Type mismatch for key sk expected: S actual: N',
    ],
    [
      'an empty key',
      { pk: { S: '' }, sk: { S: '1' } },
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: pk',
    ],
    [
      "an index's key of another type",
      { ...key('1'), status: { N: '1' } },
      'One or more parameter values were invalid: Type mismatch for Index Key status Expected: S Actual: N IndexName: byStatus',
    ],
    [
      "an index's empty key",
      { ...key('1'), status: { S: '' } },
      'One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: byStatus, IndexKey: status',
    ],
    ['an empty set', { ...key('1'), tags: { SS: [] } }, 'One or more parameter values were invalid: An string set  may not be empty'],
    [
      'a set with duplicates',
      { ...key('1'), tags: { NS: ['1', '1.0'] } },
      'One or more parameter values were invalid: Input collection [1, 1] contains duplicates.',
    ],
    ['what is no number', { ...key('1'), n: { N: '1x' } }, 'The parameter cannot be converted to a numeric value: 1x'],
    ['39 digits', { ...key('1'), n: { N: `1${'0'.repeat(37)}1` } }, 'Attempting to store more than 38 significant digits in a Number'],
    ['more than 400 KB', { ...key('1'), text: { S: 'x'.repeat(400 * 1024) } }, 'Item size has exceeded the maximum allowed size'],
    [
      'too long a hash key',
      { pk: { S: 'x'.repeat(2049) }, sk: { S: '1' } },
      'One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes',
    ],
  ];
  it.each(refused)('refuse %s', async (_, item, message) => {
    await expect(put(item)).rejects.toThrow(expect.objectContaining({ name: 'ValidationException', message }));
  });

  it('take an empty string and a long number that is no key', async () => {
    await put({ ...key('1'), text: { S: '' }, n: { N: '1234567890123456789012345678901234567.8' }, tiny: { N: '1e-130' } });
    expect(await get('1')).toEqual({
      ...key('1'),
      text: { S: '' },
      n: { N: '1234567890123456789012345678901234567.8' },
      tiny: { N: `0.${'0'.repeat(129)}1` },
    });
  });

  it('refuse a key with too few or too many attributes', async () => {
    for (const Key of [{ pk: { S: 'a' } }, { ...key('1'), a: { S: 'b' } }])
      await expect(lab.client.send(new GetItemCommand({ TableName, Key }))).rejects.toThrow(
        'The provided key element does not match the schema',
      );
  });

  it('know no table that is not there', async () => {
    const error = await failure(lab.client.send(new GetItemCommand({ TableName: 'other', Key: key('1') })));
    expect(error).toMatchObject({ name: 'ResourceNotFoundException', message: 'Requested resource not found' });
  });
});

describe('a batch', () => {
  it('writes and reads up to its limits, and refuses doubles', async () => {
    const items = Array.from({ length: 25 }, (_, n) => ({ ...key(String(n)), n: { N: String(n) } }));
    await lab.client.send(new BatchWriteItemCommand({ RequestItems: { ledger: items.map((Item) => ({ PutRequest: { Item } })) } }));
    await lab.client.send(new BatchWriteItemCommand({ RequestItems: { ledger: [{ DeleteRequest: { Key: key('0') } }] } }));
    const { Responses, UnprocessedKeys } = await lab.client.send(
      new BatchGetItemCommand({
        RequestItems: {
          ledger: { Keys: [key('0'), key('1'), key('24')], ProjectionExpression: '#n', ExpressionAttributeNames: { '#n': 'n' } },
        },
      }),
    );
    expect(Responses).toEqual({ ledger: [{ n: { N: '1' } }, { n: { N: '24' } }] });
    expect(UnprocessedKeys).toEqual({});
    await expect(lab.client.send(new BatchGetItemCommand({ RequestItems: { ledger: { Keys: [key('1'), key('1')] } } }))).rejects.toThrow(
      'Provided list of item keys contains duplicates',
    );
    await expect(
      lab.client.send(new BatchWriteItemCommand({ RequestItems: { ledger: [{ PutRequest: { Item: { n: { N: '1' } } } }] } })),
    ).rejects.toThrow('The provided key element does not match the schema');
    const twentySix = [...items, key('25')].map((Item) => ({ PutRequest: { Item } }));
    await expect(lab.client.send(new BatchWriteItemCommand({ RequestItems: { ledger: twentySix } }))).rejects.toThrow(
      /at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: \[Member must have length less than or equal to 25, Member must have length greater than or equal to 1\]$/,
    );
    const RequestItems = { ledger: twentySix.slice(0, 13), other: twentySix.slice(13) };
    await expect(lab.client.send(new BatchWriteItemCommand({ RequestItems }))).rejects.toThrow(
      'Too many items requested for the BatchWriteItem call',
    );
  });
});

describe('a transaction', () => {
  const transact = (items: TransactWriteItem[], token?: string) =>
    lab.client.send(new TransactWriteItemsCommand({ TransactItems: items, ClientRequestToken: token }));
  const update = (sk: string, condition?: string): TransactWriteItem => ({
    Update: {
      TableName,
      Key: key(sk),
      UpdateExpression: 'ADD n :one',
      ConditionExpression: condition,
      ExpressionAttributeValues: { ':one': { N: '1' } },
    },
  });

  it('writes all of its items', async () => {
    await put({ ...key('gone'), a: { N: '1' } });
    await put(key('there'));
    await transact([
      { Put: { TableName, Item: key('new'), ConditionExpression: 'attribute_not_exists(pk)' } },
      update('counted'),
      { Delete: { TableName, Key: key('gone') } },
      { ConditionCheck: { TableName, Key: key('there'), ConditionExpression: 'attribute_exists(pk)' } },
    ]);
    expect(await get('new')).toEqual(key('new'));
    expect(await get('counted')).toEqual({ ...key('counted'), n: { N: '1' } });
    expect(await get('gone')).toBeUndefined();
    expect(await get('there')).toEqual(key('there'));
  });

  it('writes nothing if one condition fails, and gives a reason for each item in order', async () => {
    await put({ ...key('held'), holder: { S: 'other' } });
    const error = await failure(
      transact([
        update('counted'),
        {
          Put: {
            TableName,
            Item: key('held'),
            ConditionExpression: 'attribute_not_exists(pk)',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          },
        },
        { ConditionCheck: { TableName, Key: key('absent'), ConditionExpression: 'attribute_exists(pk)' } },
      ]),
    );
    expect(error).toBeInstanceOf(TransactionCanceledException);
    expect(error.message).toBe(
      'Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ConditionalCheckFailed]',
    );
    expect(error.CancellationReasons).toEqual([
      { Code: 'None' },
      { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed', Item: { ...key('held'), holder: { S: 'other' } } },
      { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' },
    ]);
    expect(await get('counted')).toBeUndefined();
    expect(await get('held')).toEqual({ ...key('held'), holder: { S: 'other' } });
  });

  it('is cancelled as well by an update that the item does not allow', async () => {
    await put({ ...key('word'), n: { S: 'x' } });
    const error = await failure(transact([update('counted'), update('word')]));
    expect(error.CancellationReasons).toEqual([
      { Code: 'None' },
      { Code: 'ValidationError', Message: 'An operand in the update expression has an incorrect data type' },
    ]);
    expect(await get('counted')).toBeUndefined();
  });

  it('under the same token happens once in ten minutes, and means one request', async () => {
    await transact([update('counted')], 'token-1');
    await transact([update('counted')], 'token-1');
    expect(await get('counted')).toMatchObject({ n: { N: '1' } });
    expect(await failure(transact([update('other')], 'token-1'))).toMatchObject({ name: 'IdempotentParameterMismatchException' });
    await lab.clock.run({ until: lab.clock.now() + 10 * 60_000 });
    await transact([update('counted')], 'token-1');
    expect(await get('counted')).toMatchObject({ n: { N: '2' } });
  });

  it('touches no item twice', async () => {
    await expect(transact([update('a'), { Delete: { TableName, Key: key('a') } }])).rejects.toThrow(
      'Transaction request cannot include multiple operations on one item',
    );
  });

  it('reads several items at one moment', async () => {
    await put({ ...key('a'), n: { N: '1' } });
    const { Responses } = await lab.client.send(
      new TransactGetItemsCommand({
        TransactItems: [{ Get: { TableName, Key: key('a') } }, { Get: { TableName, Key: key('absent') } }],
      }),
    );
    expect(Responses).toEqual([{ Item: { ...key('a'), n: { N: '1' } } }, {}]);
  });
});

describe('capacity', () => {
  it('is counted as on demand bills it', async () => {
    const { meter } = lab.world;
    const text = (bytes: number) => ({ S: 'x'.repeat(bytes) });
    const used = async (work: () => Promise<unknown>) => {
      const before = meter.snapshot();
      await work();
      return [
        meter.total('dynamodb.write-unit', { table: 'ledger' }, before),
        meter.total('dynamodb.read-unit', { table: 'ledger' }, before),
      ];
    };
    expect(await used(() => put({ ...key('1'), t: text(1500) }))).toEqual([2, 0]);
    // A smaller item pays for the larger one that it replaces; a refused write pays too.
    expect(await used(() => put(key('1')))).toEqual([2, 0]);
    expect(await used(() => failure(put(key('1'), 'attribute_not_exists(pk)')))).toEqual([1, 0]);
    // One for the table and one for the index.
    expect(await used(() => put({ ...key('2'), status: { S: 'open' }, at: { N: '1' } }))).toEqual([2, 0]);
    // The entry moves within the index: one deletion and one insertion.
    expect(await used(() => put({ ...key('2'), status: { S: 'done' }, at: { N: '1' } }))).toEqual([3, 0]);
    expect(
      await used(() => lab.client.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: { TableName, Item: key('3') } }] }))),
    ).toEqual([2, 0]);
    await put({ ...key('1'), t: text(5000) });
    expect(await used(() => get('1'))).toEqual([0, 1]);
    expect(await used(() => lab.client.send(new GetItemCommand({ TableName, Key: key('1'), ConsistentRead: true })))).toEqual([0, 2]);
    const { ConsumedCapacity } = await lab.client.send(
      new PutItemCommand({
        TableName,
        Item: { ...key('4'), status: { S: 'open' }, at: { N: '1' } },
        ReturnConsumedCapacity: 'INDEXES',
      }),
    );
    expect(ConsumedCapacity).toMatchObject({
      TableName: 'ledger',
      CapacityUnits: 2,
      Table: { CapacityUnits: 1 },
      GlobalSecondaryIndexes: { byStatus: { CapacityUnits: 1 } },
    });
  });
});
