import {
  type AttributeValue,
  PutItemCommand,
  paginateQuery,
  paginateScan,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createLab, type Lab, LEDGER } from './lab.ts';

let lab: Lab;
beforeEach(() => {
  lab = createLab();
  lab.table(LEDGER);
});

const TableName = 'ledger';
const put = (pk: string, sk: string, rest: Record<string, AttributeValue> = {}) =>
  lab.client.send(new PutItemCommand({ TableName, Item: { pk: { S: pk }, sk: { S: sk }, ...rest } }));
const query = (input: Omit<QueryCommandInput, 'TableName'>) => lab.client.send(new QueryCommand({ TableName, ...input }));
const sks = (output: { Items?: Record<string, AttributeValue>[] }) => output.Items?.map(({ sk }) => sk?.S);

describe('a query', () => {
  beforeEach(async () => {
    for (const sk of ['c', 'a', 'b#2', 'b#1', 'B', 'ä', '\u{10000}', '\uffee']) await put('orders', sk, { n: { N: String(sk.length) } });
    await put('shop', 'x');
  });

  const cases: [condition: string, values: string[], found: string[]][] = [
    ['pk = :0', ['orders'], ['B', 'a', 'b#1', 'b#2', 'c', 'ä', '\uffee', '\u{10000}']],
    [':0 = pk', ['shop'], ['x']],
    ['pk = :0 AND sk = :1', ['orders', 'b#1'], ['b#1']],
    ['pk = :0 AND sk < :1', ['orders', 'b#1'], ['B', 'a']],
    ['pk = :0 AND sk <= :1', ['orders', 'b#1'], ['B', 'a', 'b#1']],
    ['pk = :0 AND sk > :1', ['orders', 'b#2'], ['c', 'ä', '\uffee', '\u{10000}']],
    ['sk >= :1 AND pk = :0', ['orders', 'c'], ['c', 'ä', '\uffee', '\u{10000}']],
    ['pk = :0 AND sk BETWEEN :1 AND :2', ['orders', 'a', 'b#1'], ['a', 'b#1']],
    ['(pk = :0) AND (begins_with(sk, :1))', ['orders', 'b#'], ['b#1', 'b#2']],
    ['pk = :0', ['nobody'], []],
  ];
  it.each(cases)('%s with %o finds %o', async (condition, values, found) => {
    const given = Object.fromEntries(values.map((value, index) => [`:${index}`, { S: value }]));
    const forward = await query({ KeyConditionExpression: condition, ExpressionAttributeValues: given });
    expect(sks(forward)).toEqual(found);
    const backward = await query({ KeyConditionExpression: condition, ExpressionAttributeValues: given, ScanIndexForward: false });
    expect(sks(backward)).toEqual(found.toReversed());
  });

  it('gives pages of Limit items, counted before the filter, and goes on after LastEvaluatedKey', async () => {
    const input = {
      TableName,
      KeyConditionExpression: 'pk = :p',
      FilterExpression: 'n > :n',
      ExpressionAttributeValues: { ':p': { S: 'orders' }, ':n': { N: '1' } },
    };
    const first = await query({ ...input, Limit: 3 });
    expect(first).toMatchObject({ Count: 1, ScannedCount: 3, LastEvaluatedKey: { pk: { S: 'orders' }, sk: { S: 'b#1' } } });
    for (const ScanIndexForward of [true, false]) {
      const found: (string | undefined)[] = [];
      for await (const page of paginateQuery({ client: lab.client, pageSize: 3 }, { ...input, ScanIndexForward }))
        found.push(...(sks(page) ?? []));
      const expected = ['b#1', 'b#2', '\u{10000}'];
      expect(found).toEqual(ScanIndexForward ? expected : expected.toReversed());
    }
  });

  it('goes on where it was although that item has gone', async () => {
    const start = { pk: { S: 'orders' }, sk: { S: 'bb' } };
    const page = await query({
      KeyConditionExpression: 'pk = :p',
      ExpressionAttributeValues: { ':p': { S: 'orders' } },
      ExclusiveStartKey: start,
    });
    expect(sks(page)).toEqual(['c', 'ä', '\uffee', '\u{10000}']);
  });

  it('counts without items', async () => {
    const page = await query({ KeyConditionExpression: 'pk = :p', ExpressionAttributeValues: { ':p': { S: 'orders' } }, Select: 'COUNT' });
    expect(page).toMatchObject({ Count: 8, ScannedCount: 8 });
    expect(page.Items).toBeUndefined();
  });

  it('ends a page at one megabyte', async () => {
    for (let n = 0; n < 4; n++) await put('large', String(n), { t: { S: 'x'.repeat(300_000) } });
    const input = { KeyConditionExpression: 'pk = :p', ExpressionAttributeValues: { ':p': { S: 'large' } } };
    const first = await query(input);
    expect(sks(first)).toEqual(['0', '1', '2']);
    expect(sks(await query({ ...input, ExclusiveStartKey: first.LastEvaluatedKey }))).toEqual(['3']);
  });

  it('projects nested parts, and closes up lists', async () => {
    await put('doc', '1', {
      a: { M: { x: { N: '1' }, y: { N: '2' } } },
      l: { L: [{ S: '0' }, { S: '1' }, { S: '2' }] },
      z: { S: 'z' },
    });
    const { Items } = await query({
      KeyConditionExpression: 'pk = :p',
      ExpressionAttributeValues: { ':p': { S: 'doc' } },
      ProjectionExpression: 'a.x, l[2], l[0], gone.b',
    });
    expect(Items).toEqual([{ a: { M: { x: { N: '1' } } }, l: { L: [{ S: '0' }, { S: '2' }] } }]);
  });

  const wrong: [input: Omit<QueryCommandInput, 'TableName'>, message: string][] = [
    [{}, 'Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.'],
    [{ KeyConditionExpression: 'sk = :0' }, 'Query condition missed key schema element: pk'],
    [{ KeyConditionExpression: 'pk > :0' }, 'Query key condition not supported'],
    [
      { KeyConditionExpression: 'pk = :0 OR sk = :0' },
      'Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression: OR',
    ],
    [{ KeyConditionExpression: 'pk = :0 AND n = :0' }, 'Query condition missed key schema element: sk'],
    [{ KeyConditionExpression: 'pk = :0 AND sk > :0 AND sk < :0' }, 'KeyConditionExpressions must only contain one condition per key'],
    [
      { KeyConditionExpression: 'pk = :0', FilterExpression: 'sk = :0' },
      'Filter Expression can only contain non-primary key attributes: Primary key attribute: sk',
    ],
    [{ KeyConditionExpression: 'pk = :0', IndexName: 'other' }, 'The table does not have the specified index: other'],
    [
      { KeyConditionExpression: '#s = :0', ExpressionAttributeNames: { '#s': 'status' }, IndexName: 'byStatus', ConsistentRead: true },
      'Consistent reads are not supported on global secondary indexes',
    ],
    [{ KeyConditionExpression: 'pk = :0', ExclusiveStartKey: { pk: { S: 'a' } } }, 'The provided starting key is invalid'],
    [
      { KeyConditionExpression: 'pk = :0', ExpressionAttributeValues: { ':0': { N: '1' } } },
      'One or more parameter values were invalid: Condition parameter type does not match schema type',
    ],
  ];
  it.each(wrong)('%o is refused: %s', async (input, message) => {
    const values = input.KeyConditionExpression === undefined ? {} : { ExpressionAttributeValues: { ':0': { S: 'a' } } };
    await expect(query({ ...values, ...input })).rejects.toThrow(expect.objectContaining({ name: 'ValidationException', message }));
  });
});

describe('a global index', () => {
  const byStatus = (status: string, rest: Partial<QueryCommandInput> = {}) =>
    query({
      IndexName: 'byStatus',
      KeyConditionExpression: '#s = :s',
      ExpressionAttributeNames: { '#s': 'status' },
      ExpressionAttributeValues: { ':s': { S: status } },
      ...rest,
    });

  it('holds the items that have its keys, in the order of its numbers, and follows every change', async () => {
    for (const [sk, at] of Object.entries({ late: 10, early: 2, middle: 9.5, same: 9.5 }))
      await put('orders', sk, { status: { S: 'open' }, at: { N: String(at) } });
    await put('orders', 'without', { status: { S: 'open' } });
    expect(sks(await byStatus('open'))).toEqual(['early', 'middle', 'same', 'late']);
    await put('orders', 'early', { status: { S: 'done' }, at: { N: '2' } });
    await put('orders', 'same');
    expect(sks(await byStatus('open'))).toEqual(['middle', 'late']);
    expect(sks(await byStatus('done'))).toEqual(['early']);
  });

  it('is paged over equal keys without loss', async () => {
    for (let n = 0; n < 7; n++) await put(`p${n % 3}`, String(n), { status: { S: 'open' }, at: { N: '1' } });
    const found: string[] = [];
    let start: Record<string, AttributeValue> | undefined;
    do {
      const page = await byStatus('open', { Limit: 2, ExclusiveStartKey: start });
      found.push(...(sks(page) as string[]));
      start = page.LastEvaluatedKey;
      if (start) expect(Object.keys(start).sort()).toEqual(['at', 'pk', 'sk', 'status']);
    } while (start);
    expect(found.toSorted()).toEqual(['0', '1', '2', '3', '4', '5', '6']);
  });

  it('that carries keys only refuses to give more', async () => {
    const [index] = LEDGER.GlobalSecondaryIndexes;
    lab.table({ ...LEDGER, TableName: 'narrow', GlobalSecondaryIndexes: [{ ...index, Projection: { ProjectionType: 'KEYS_ONLY' } }] });
    await lab.client.send(
      new PutItemCommand({
        TableName: 'narrow',
        Item: { pk: { S: 'a' }, sk: { S: '1' }, status: { S: 'open' }, at: { N: '1' }, text: { S: 'x' } },
      }),
    );
    const { Items } = await byStatus('open', { TableName: 'narrow' });
    expect(Items).toEqual([{ pk: { S: 'a' }, sk: { S: '1' }, status: { S: 'open' }, at: { N: '1' } }]);
    await expect(byStatus('open', { TableName: 'narrow', ProjectionExpression: 'note' })).rejects.toThrow(
      'One or more parameter values were invalid: Global secondary index byStatus does not project [note]',
    );
  });
});

describe('a scan', () => {
  beforeEach(async () => {
    for (let n = 0; n < 30; n++) await put(`p${n % 11}`, String(n), { n: { N: String(n) } });
  });

  it('pages over everything once, in an order that stays', async () => {
    const whole = sks(await lab.client.send(new ScanCommand({ TableName })));
    const paged: (string | undefined)[] = [];
    for await (const page of paginateScan({ client: lab.client, pageSize: 7 }, { TableName })) paged.push(...(sks(page) ?? []));
    expect(paged).toEqual(whole);
    expect(new Set(whole).size).toBe(30);
  });

  it('filters, and splits into segments that together are the whole', async () => {
    const filtered = await lab.client.send(
      new ScanCommand({
        TableName,
        FilterExpression: 'n < :n AND pk <> :p',
        ExpressionAttributeValues: { ':n': { N: '12' }, ':p': { S: 'p0' } },
      }),
    );
    expect(filtered).toMatchObject({ Count: 10, ScannedCount: 30 });
    const segments = await Promise.all(
      [0, 1, 2].map((Segment) => lab.client.send(new ScanCommand({ TableName, Segment, TotalSegments: 3 }))),
    );
    expect(segments.flatMap((segment) => sks(segment)).toSorted()).toEqual(Array.from({ length: 30 }, (_, n) => String(n)).toSorted());
    for (const segment of segments) expect(segment.Count).toBeLessThan(30);
  });
});
