import {
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeContributorInsightsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  ScanCommand,
  UpdateContinuousBackupsCommand,
  UpdateItemCommand,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import type { StreamRecord } from '../../../../local/services/dynamodb/index.ts';
import { account, createLab, type Lab, LEDGER, region } from './lab.ts';

let lab: Lab;
beforeEach(() => {
  lab = createLab();
});

const HOUR = 3600_000;
const key = (sk: string) => ({ pk: { S: 'orders' }, sk: { S: sk } });
const put = (sk: string, rest: object = {}) => lab.client.send(new PutItemCommand({ TableName: 'ledger', Item: { ...key(sk), ...rest } }));
const arn = `arn:aws:dynamodb:${region}:${account}:table/ledger`;

describe('a table by the API', () => {
  it('is being created for some seconds, and deleted for some seconds', async () => {
    const { TableDescription } = await lab.client.send(
      new CreateTableCommand({
        TableName: 'ledger',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      }),
    );
    expect(TableDescription).toMatchObject({ TableStatus: 'CREATING', TableArn: arn, ItemCount: 0 });
    const item = new PutItemCommand({ TableName: 'ledger', Item: { pk: { S: 'a' } } });
    await expect(lab.client.send(item)).rejects.toThrow('Requested resource not found');
    await lab.clock.run({ until: lab.clock.now() + 10_000 });
    await lab.client.send(item);
    expect((await lab.client.send(new ListTablesCommand({}))).TableNames).toEqual(['ledger']);
    await lab.client.send(new DeleteTableCommand({ TableName: 'ledger' }));
    await expect(lab.client.send(item)).rejects.toThrow('Requested resource not found');
    expect((await lab.client.send(new DescribeTableCommand({ TableName: 'ledger' }))).Table?.TableStatus).toBe('DELETING');
    await lab.clock.run({ until: lab.clock.now() + 10_000 });
    await expect(lab.client.send(new DescribeTableCommand({ TableName: 'ledger' }))).rejects.toThrow(
      'Requested resource not found: Table: ledger not found',
    );
  });

  it('gets and loses an index in its life', async () => {
    lab.table({ ...LEDGER, GlobalSecondaryIndexes: [], AttributeDefinitions: LEDGER.AttributeDefinitions.slice(0, 2) });
    await put('1', { kind: { S: 'release' } });
    const byKind = new ScanCommand({ TableName: 'ledger', IndexName: 'byKind' });
    await lab.client.send(
      new UpdateTableCommand({
        TableName: 'ledger',
        AttributeDefinitions: [{ AttributeName: 'kind', AttributeType: 'S' }],
        GlobalSecondaryIndexUpdates: [
          {
            Create: { IndexName: 'byKind', KeySchema: [{ AttributeName: 'kind', KeyType: 'HASH' }], Projection: { ProjectionType: 'ALL' } },
          },
        ],
      }),
    );
    expect((await lab.client.send(byKind)).Count).toBe(1);
    await lab.client.send(
      new UpdateTableCommand({ TableName: 'ledger', GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'byKind' } }] }),
    );
    await expect(lab.client.send(byKind)).rejects.toThrow('The table does not have the specified index: byKind');
  });

  it('must define the attributes of its keys and no others', async () => {
    const create = (definitions: string[]) =>
      lab.client.send(
        new CreateTableCommand({
          TableName: 'ledger',
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: definitions.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
          KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        }),
      );
    await expect(create(['pk', 'sk'])).rejects.toThrow('Number of attributes in KeySchema does not exactly match number of attributes');
    await expect(create(['sk'])).rejects.toThrow('Some index key attributes are not defined in AttributeDefinitions. Keys: [pk]');
  });
});

describe('a table by CloudFormation', () => {
  it('is ready at once, and gives Ref, Arn and StreamArn', async () => {
    const created = lab.table({
      ...LEDGER,
      TableName: undefined,
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
      DeletionProtectionEnabled: true,
    });
    expect(created.ref).toBe('pipeline-Table-1A2B3C');
    expect(created.attributes?.Arn).toBe(`arn:aws:dynamodb:${region}:${account}:table/pipeline-Table-1A2B3C`);
    expect(created.attributes?.StreamArn).toMatch(/\/stream\/2026-11-23T08:00:00.000$/);
    const { Table } = await lab.client.send(new DescribeTableCommand({ TableName: created.ref }));
    expect(Table).toMatchObject({
      TableStatus: 'ACTIVE',
      DeletionProtectionEnabled: true,
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      LatestStreamArn: created.attributes?.StreamArn,
      GlobalSecondaryIndexes: [{ IndexName: 'byStatus', IndexStatus: 'ACTIVE' }],
    });
    const { TimeToLiveDescription } = await lab.client.send(new DescribeTimeToLiveCommand({ TableName: created.ref }));
    expect(TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'expires' });
    await expect(lab.client.send(new DeleteTableCommand({ TableName: created.ref }))).rejects.toThrow(
      'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.',
    );
  });

  it('may be a global table with its one replica here', async () => {
    const replica = { Region: region, DeletionProtectionEnabled: true, Tags: [{ Key: 'pipeline', Value: 'acme' }] };
    lab.table({ ...LEDGER, Replicas: [replica] }, 'AWS::DynamoDB::GlobalTable');
    expect((await lab.client.send(new DescribeTableCommand({ TableName: 'ledger' }))).Table?.DeletionProtectionEnabled).toBe(true);
    expect(() => lab.table({ ...LEDGER, Replicas: [replica, { Region: 'us-east-1' }] }, 'AWS::DynamoDB::GlobalTable')).toThrow(
      /one replica/,
    );
  });
});

describe('the time to live', () => {
  beforeEach(() => lab.table({ ...LEDGER, TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true } }));
  const there = async (sk: string) => (await lab.client.send(new GetItemCommand({ TableName: 'ledger', Key: key(sk) }))).Item !== undefined;
  const inSeconds = (seconds: number) => ({ N: String(Math.floor(lab.clock.now() / 1000) + seconds) });

  it('deletes an expired item within two days, and reads may see it until then', async () => {
    for (let n = 0; n < 20; n++) await put(String(n), { expires: inSeconds(60) });
    await put('stays', { expires: inSeconds(90 * 24 * 3600) });
    await put('text', { expires: { S: '1' } });
    const left = async (hours: number) => {
      await lab.clock.run({ until: Date.parse('2026-11-23T08:01:00Z') + hours * HOUR });
      return (await lab.client.send(new ScanCommand({ TableName: 'ledger' }))).Count!;
    };
    expect(await left(0)).toBe(22);
    const halfway = await left(24);
    expect(halfway).toBeGreaterThan(2);
    expect(halfway).toBeLessThan(22);
    expect(await left(48)).toBe(2);
    expect(await there('stays')).toBe(true);
  });

  it('is the same for the same seed, and forgets an item whose time was put off', async () => {
    await put('1', { expires: inSeconds(60) });
    await lab.client.send(
      new UpdateItemCommand({
        TableName: 'ledger',
        Key: key('1'),
        UpdateExpression: 'SET expires = :e',
        ExpressionAttributeValues: { ':e': inSeconds(10 * 24 * 3600) },
      }),
    );
    await lab.clock.run({ until: lab.clock.now() + 5 * 24 * HOUR });
    expect(await there('1')).toBe(true);
  });

  it('needs no timer while nobody listens to a stream', async () => {
    await put('1', { expires: inSeconds(60) });
    const before = lab.clock.now();
    await lab.clock.run();
    expect(lab.clock.now()).toBe(before);
  });
});

describe('a stream', () => {
  const listen = (view: string, rest: object = {}) => {
    const { attributes } = lab.table({ ...LEDGER, StreamSpecification: { StreamViewType: view }, ...rest });
    const batches: (readonly StreamRecord[])[] = [];
    const end = lab.dynamodb.onRecord(attributes!.StreamArn!, (records) => batches.push(records));
    return { batches, end, streamArn: attributes!.StreamArn! };
  };

  it('tells of every change in the order of the changes, a moment later', async () => {
    const { batches, streamArn } = listen('NEW_AND_OLD_IMAGES');
    await put('1', { n: { N: '1' }, bytes: { B: Uint8Array.of(1, 2) } });
    await put('1', { n: { N: '2' } });
    await put('1', { n: { N: '2' } });
    await lab.client.send(new DeleteItemCommand({ TableName: 'ledger', Key: key('1') }));
    await lab.client.send(new DeleteItemCommand({ TableName: 'ledger', Key: key('1') }));
    expect(batches).toEqual([]);
    await lab.clock.run({ until: lab.clock.now() + 1000 });
    const records = batches.flat();
    expect(batches).toHaveLength(1);
    // What changed nothing left no record.
    expect(records.map(({ eventName }) => eventName)).toEqual(['INSERT', 'MODIFY', 'REMOVE']);
    expect(records[0]).toMatchObject({
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: region,
      eventSourceARN: streamArn,
      dynamodb: {
        ApproximateCreationDateTime: lab.clock.now() / 1000 - 1,
        Keys: key('1'),
        NewImage: { ...key('1'), n: { N: '1' }, bytes: { B: 'AQI=' } },
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
    });
    expect(records[0]?.dynamodb.OldImage).toBeUndefined();
    expect(records[1]?.dynamodb).toMatchObject({ OldImage: { n: { N: '1' } }, NewImage: { n: { N: '2' } } });
    expect(records[2]?.dynamodb.NewImage).toBeUndefined();
    const numbers = records.map(({ dynamodb }) => BigInt(dynamodb.SequenceNumber));
    expect(numbers).toEqual(numbers.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(new Set(records.map(({ eventID }) => eventID)).size).toBe(3);
  });

  const views: [view: string, images: string[]][] = [
    ['KEYS_ONLY', []],
    ['NEW_IMAGE', ['NewImage']],
    ['OLD_IMAGE', ['OldImage']],
  ];
  it.each(views)('of %s shows %o', async (view, images) => {
    const { streamArn } = listen(view);
    await put('1', { n: { N: '1' } });
    await put('1', { n: { N: '2' } });
    const [, modified] = lab.dynamodb.records(streamArn);
    expect(Object.keys(modified!.dynamodb).filter((name) => name.endsWith('Image'))).toEqual(images);
    expect(modified!.dynamodb.Keys).toEqual(key('1'));
  });

  it('says that the time to live removed an item', async () => {
    const { batches } = listen('OLD_IMAGE', { TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true } });
    await put('1', { expires: { N: String(lab.clock.now() / 1000 + 60) } });
    await lab.clock.run();
    expect(lab.clock.now()).toBeLessThanOrEqual(Date.parse('2026-11-25T08:02:00Z'));
    const [, removed] = batches.flat();
    expect(removed).toMatchObject({
      eventName: 'REMOVE',
      userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
      dynamodb: { OldImage: key('1') },
    });
  });

  it('tells nobody who has stopped listening', async () => {
    const { batches, end } = listen('KEYS_ONLY');
    end();
    await put('1');
    await lab.clock.run();
    expect(batches).toEqual([]);
  });
});

describe('saved tables', () => {
  it('are read again as they were, in a new world or over the tables of a stack', async () => {
    lab.table({ ...LEDGER, TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true } });
    const item = {
      ...key('1'),
      status: { S: 'open' },
      at: { N: '1' },
      bytes: { B: Uint8Array.of(9) },
      tags: { SS: ['a'] },
      doc: { M: { l: { L: [{ NULL: true as const }] } } },
    };
    await lab.client.send(new PutItemCommand({ TableName: 'ledger', Item: item }));
    const saved = JSON.parse(JSON.stringify(lab.dynamodb.save()));
    const byStatus = new ScanCommand({ TableName: 'ledger', IndexName: 'byStatus' });

    const fresh = createLab();
    fresh.dynamodb.load(saved);
    expect((await fresh.client.send(byStatus)).Items).toEqual([item]);
    expect(JSON.parse(JSON.stringify(fresh.dynamodb.save()))).toEqual(saved);

    const booted = createLab();
    booted.table(LEDGER);
    await booted.client.send(new PutItemCommand({ TableName: 'ledger', Item: key('old') }));
    booted.dynamodb.load(saved);
    expect((await booted.client.send(new ScanCommand({ TableName: 'ledger' }))).Items).toEqual([item]);
  });
});

describe('a table', () => {
  const make = async (more: object = {}) => {
    const answer = await lab.client.send(
      new CreateTableCommand({
        TableName: 'ledger',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'by', AttributeType: 'S' },
        ],
        KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
        GlobalSecondaryIndexes: [
          { IndexName: 'by-name', KeySchema: [{ AttributeName: 'by', KeyType: 'HASH' }], Projection: { ProjectionType: 'ALL' } },
        ],
        ...more,
      }),
    );
    await lab.clock.run({ until: lab.clock.now() + 10_000 });
    return answer;
  };
  const described = async () => (await lab.client.send(new DescribeTableCommand({ TableName: 'ledger' }))).Table;

  it('tells what it is ready for once it is active, and little while it goes', async () => {
    expect((await make()).TableDescription?.WarmThroughput).toBeUndefined();
    expect(await described()).toMatchObject({
      WarmThroughput: { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4000, Status: 'ACTIVE' },
      GlobalSecondaryIndexes: [{ IndexSizeBytes: 0, WarmThroughput: { Status: 'ACTIVE' } }],
    });
    const { TableDescription } = await lab.client.send(new DeleteTableCommand({ TableName: 'ledger' }));
    expect(TableDescription).toMatchObject({ TableStatus: 'DELETING' });
    expect(TableDescription).not.toHaveProperty('KeySchema');
  });

  it('is encrypted by a key of KMS where it is asked to be, and by its own again', async () => {
    const { TableDescription } = await make({ SSESpecification: { Enabled: true } });
    const { KMSMasterKeyArn } = TableDescription!.SSEDescription!;
    expect(KMSMasterKeyArn).toMatch(`arn:aws:kms:${region}:${account}:key/`);
    const update = new UpdateTableCommand({ TableName: 'ledger', SSESpecification: { Enabled: false } });
    expect((await lab.client.send(update)).TableDescription?.SSEDescription).toEqual({
      Status: 'UPDATING',
      SSEType: 'KMS',
      KMSMasterKeyArn,
    });
    expect((await described())?.SSEDescription).toBeUndefined();
  });

  it('can be taken back to a moment since recovery was switched on', async () => {
    await make();
    const shown = async () =>
      (await lab.client.send(new DescribeContinuousBackupsCommand({ TableName: 'ledger' }))).ContinuousBackupsDescription;
    expect((await shown())?.PointInTimeRecoveryDescription).toEqual({ PointInTimeRecoveryStatus: 'DISABLED' });
    const since = lab.clock.now();
    const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 7 };
    await lab.client.send(new UpdateContinuousBackupsCommand({ TableName: 'ledger', PointInTimeRecoverySpecification }));
    await lab.clock.run({ until: since + HOUR });
    expect((await shown())?.PointInTimeRecoveryDescription).toEqual({
      PointInTimeRecoveryStatus: 'ENABLED',
      RecoveryPeriodInDays: 7,
      EarliestRestorableDateTime: new Date(since),
      LatestRestorableDateTime: new Date(since + HOUR - 300_000),
    });
    await expect(lab.client.send(new DescribeContinuousBackupsCommand({ TableName: 'none' }))).rejects.toMatchObject({
      name: 'TableNotFoundException',
    });
    const insights = await lab.client.send(new DescribeContributorInsightsCommand({ TableName: 'ledger' }));
    expect(insights.ContributorInsightsStatus).toBe('DISABLED');
  });
});
