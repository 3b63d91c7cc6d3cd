import { DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import { readerOf } from '../../../../local/services/dynamodb/reader.ts';
import { account, createLab, region } from './lab.ts';

/** The world itself, and what reads of what it saved. */
let world: DynamoDBClient;
let reader: DynamoDBClient;

beforeAll(async () => {
  const { client, dynamodb, table } = createLab();
  world = client;
  table({
    TableName: 'ledger',
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'N' },
    ],
  });
  for (let number = 0; number < 9; number++)
    await world.send(
      new PutItemCommand({
        TableName: 'ledger',
        Item: { pk: { S: 'ö' }, sk: { N: String(number) }, L: { L: [{ M: { a: { NULL: true } } }] }, S: { SS: ['x', 'y'] } },
      }),
    );
  const saved = JSON.parse(JSON.stringify(dynamodb.save()));
  reader = new DynamoDBClient(readerOf({ account, region, now: Date.parse('2026-11-23T09:00:00Z'), saved }));
});

describe('a reader of saved tables', () => {
  const query = {
    TableName: 'ledger',
    KeyConditionExpression: 'pk = :pk AND sk > :sk',
    FilterExpression: 'contains(S, :x)',
    ExpressionAttributeValues: { ':pk': { S: 'ö' }, ':sk': { N: '2' }, ':x': { S: 'x' } },
    ScanIndexForward: false,
    Limit: 4,
  };

  it('gets and queries, page by page, as the world does that saved them', async () => {
    const get = new GetItemCommand({ TableName: 'ledger', Key: { pk: { S: 'ö' }, sk: { N: '3' } } });
    expect((await reader.send(get)).Item).toEqual((await world.send(get)).Item);
    const pages = async (client: DynamoDBClient) => {
      const first = await client.send(new QueryCommand(query));
      const second = await client.send(new QueryCommand({ ...query, ExclusiveStartKey: first.LastEvaluatedKey }));
      return [first, second].map(({ Items, Count, LastEvaluatedKey }) => ({ Items, Count, LastEvaluatedKey }));
    };
    const [first, second] = await pages(reader);
    expect(first?.Items).toHaveLength(4);
    expect(second?.Items).toHaveLength(2);
    expect([first, second]).toEqual(await pages(world));
  });

  it('says what is wrong in the same words', async () => {
    const wrong = new QueryCommand({ ...query, TableName: 'nowhere' });
    const said = (client: DynamoDBClient) => client.send(wrong).catch(({ name, message }: Error) => ({ name, message }));
    expect(await said(reader)).toEqual(await said(world));
    expect(await said(reader)).toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('writes nothing, and does nothing else', async () => {
    const put = reader.send(new PutItemCommand({ TableName: 'ledger', Item: { pk: { S: 'ö' }, sk: { N: '1' } } }));
    await expect(put).rejects.toMatchObject({ name: 'AccessDeniedException', message: expect.stringContaining('dynamodb:PutItem') });
    await expect(reader.send(new ScanCommand({ TableName: 'ledger' }))).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});
