import { BatchWriteItemCommand, GetItemCommand, PutItemCommand, QueryCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { account, createLab, type Lab, LEDGER, region } from './lab.ts';

let lab: Lab;
beforeEach(() => {
  lab = createLab();
  lab.table(LEDGER);
});

const table = `arn:aws:dynamodb:${region}:${account}:table/ledger`;
const TableName = 'ledger';
const item = (pk: string) => ({ pk: { S: pk }, sk: { S: '1' } });

function someone(Action: string[], Resource: string, Condition?: Record<string, Record<string, unknown>>) {
  const user = lab.world
    .site(account, region)
    .service('iam')
    .user('someone', {
      ledger: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource, ...(Condition ? { Condition } : {}) }] },
    });
  return lab.as(user);
}

describe('IAM on DynamoDB', () => {
  it('allows an action on a table and no other', async () => {
    const reader = someone(['dynamodb:GetItem'], table);
    await reader.send(new GetItemCommand({ TableName, Key: item('a') }));
    await expect(reader.send(new PutItemCommand({ TableName, Item: item('a') }))).rejects.toThrow(
      `is not authorized to perform: dynamodb:PutItem on resource: ${table}`,
    );
  });

  it('asks for the index when an index is queried', async () => {
    const query = new QueryCommand({
      TableName,
      IndexName: 'byStatus',
      KeyConditionExpression: '#s = :s',
      ExpressionAttributeNames: { '#s': 'status' },
      ExpressionAttributeValues: { ':s': { S: 'open' } },
    });
    await expect(someone(['dynamodb:Query'], table).send(query)).rejects.toThrow(`${table}/index/byStatus`);
    await someone(['dynamodb:Query'], `${table}/index/*`).send(query);
  });

  it('narrows to partition keys by dynamodb:LeadingKeys, in single, batched and queried access', async () => {
    const actions = ['dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:BatchWriteItem'];
    const own = someone(actions, table, { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['orders'] } });
    const query = (pk: string) =>
      new QueryCommand({ TableName, KeyConditionExpression: 'pk = :p', ExpressionAttributeValues: { ':p': { S: pk } } });
    const batch = (...pks: string[]) =>
      new BatchWriteItemCommand({ RequestItems: { ledger: pks.map((pk) => ({ PutRequest: { Item: item(pk) } })) } });
    await own.send(new PutItemCommand({ TableName, Item: item('orders') }));
    await own.send(query('orders'));
    await own.send(batch('orders'));
    await expect(own.send(new PutItemCommand({ TableName, Item: item('shop') }))).rejects.toThrow('not authorized');
    await expect(own.send(query('shop'))).rejects.toThrow('not authorized');
    await expect(own.send(batch('orders', 'shop'))).rejects.toThrow('not authorized');
  });

  it("asks for each item's own action in a transaction", async () => {
    const transaction = new TransactWriteItemsCommand({
      TransactItems: [
        { Put: { TableName, Item: item('a') } },
        { Delete: { TableName, Key: item('b') } },
        { ConditionCheck: { TableName, Key: item('c'), ConditionExpression: 'attribute_not_exists(pk)' } },
        { Update: { TableName, Key: item('d') as never, UpdateExpression: 'REMOVE a' } },
      ],
    });
    const actions = ['dynamodb:PutItem', 'dynamodb:DeleteItem', 'dynamodb:ConditionCheckItem', 'dynamodb:UpdateItem'];
    for (const missing of actions)
      await expect(
        someone(
          actions.filter((action) => action !== missing),
          table,
        ).send(transaction),
      ).rejects.toThrow(`not authorized to perform: ${missing}`);
    await someone(actions, table).send(transaction);
  });
});
