import { CloudWatchClient, GetMetricStatisticsCommand, ListMetricsCommand } from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  PutLogEventsCommand,
  PutRetentionPolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AccessKey, clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { World } from '../../../local/core/world.ts';
import { CloudWatch } from '../../../local/services/cloudwatch.ts';
import { Iam } from '../../../local/services/iam.ts';
import { Logs } from '../../../local/services/logs.ts';

const account = '111122223333';
const region = 'eu-central-1';
const DAY = 24 * 3600_000;

let clock: VirtualClock;
let world: World;
let client: CloudWatchLogsClient;
const site = () => world.site(account, region);
const logs = () => site().service('logs');
const as = (credentials: AccessKey) => new CloudWatchLogsClient(clientConfig(world, { region, credentials }));
const later = (milliseconds: number) => clock.run({ until: clock.now() + milliseconds });

beforeEach(async () => {
  clock = new VirtualClock(Date.parse('2026-11-23T08:00:00Z'));
  world = new World(clock, { iam: (one) => new Iam(one), logs: (one) => new Logs(one), cloudwatch: (one) => new CloudWatch(one) }, 7);
  client = as(site().service('iam').root());
  await client.send(new CreateLogGroupCommand({ logGroupName: '/ecs/orders' }));
});

const get = (rest: object = {}) => client.send(new GetLogEventsCommand({ logGroupName: '/ecs/orders', logStreamName: 'web', ...rest }));
const messages = ({ events }: { events?: { message?: string }[] }) => events?.map(({ message }) => message);

describe('a log stream', () => {
  it('is read from its head or its tail, in pages whose last token stays', async () => {
    for (let n = 0; n < 5; n++) logs().append('/ecs/orders', 'web', [`line ${n}`]);
    const first = await get({ startFromHead: true, limit: 2 });
    expect(messages(first)).toEqual(['line 0', 'line 1']);
    const second = await get({ nextToken: first.nextForwardToken, limit: 2 });
    expect(messages(second)).toEqual(['line 2', 'line 3']);
    const third = await get({ nextToken: second.nextForwardToken, limit: 2 });
    expect(messages(third)).toEqual(['line 4']);
    const end = await get({ nextToken: third.nextForwardToken, limit: 2 });
    expect(messages(end)).toEqual([]);
    expect(end.nextForwardToken).toBe(third.nextForwardToken);
    logs().append('/ecs/orders', 'web', ['line 5']);
    expect(messages(await get({ nextToken: end.nextForwardToken }))).toEqual(['line 5']);
    const tail = await get({ limit: 2 });
    expect(messages(tail)).toEqual(['line 4', 'line 5']);
    expect(messages(await get({ nextToken: tail.nextBackwardToken, limit: 3 }))).toEqual(['line 1', 'line 2', 'line 3']);
  });

  it('takes events in order of time, and says which are too old or too new', async () => {
    await client.send(new CreateLogStreamCommand({ logGroupName: '/ecs/orders', logStreamName: 'web' }));
    const put = (...times: number[]) =>
      client.send(
        new PutLogEventsCommand({
          logGroupName: '/ecs/orders',
          logStreamName: 'web',
          logEvents: times.map((offset) => ({ timestamp: clock.now() + offset, message: String(offset) })),
        }),
      );
    await expect(put(2, 1)).rejects.toThrow('Log events in a single PutLogEvents request must be in chronological order.');
    await put(-1000, 0);
    expect((await put(-15 * DAY)).rejectedLogEventsInfo).toEqual({ tooOldLogEventEndIndex: 1 });
    expect((await put(0, 3 * 3600_000)).rejectedLogEventsInfo).toEqual({ tooNewLogEventStartIndex: 1 });
    await expect(put(-2 * DAY, 0)).rejects.toThrow(/cannot span more than 24 hours/);
    expect(messages(await get({ startFromHead: true }))).toEqual(['-1000', '0', '0']);
    expect(messages(await get({ startTime: clock.now() }))).toEqual(['0', '0']);
  });

  it('ends where retention ends', async () => {
    await client.send(new PutRetentionPolicyCommand({ logGroupName: '/ecs/orders', retentionInDays: 7 }));
    logs().append('/ecs/orders', 'web', ['old']);
    await later(6 * DAY);
    logs().append('/ecs/orders', 'web', ['new']);
    expect(logs().lastLines('/ecs/orders', 'web', 9)).toEqual(['old', 'new']);
    await later(DAY + 1);
    expect(messages(await get())).toEqual(['new']);
    expect(logs().lastLines('/ecs/orders', 'web', 9)).toEqual(['new']);
    await expect(client.send(new PutRetentionPolicyCommand({ logGroupName: '/ecs/orders', retentionInDays: 8 }))).rejects.toThrow(
      /Member must satisfy enum value set/,
    );
  });

  it('of a group that does not exist cannot be written', () => {
    expect(() => logs().append('/ecs/other', 'web', ['x'])).toThrow('The specified log group does not exist.');
    expect(logs().lastLines('/ecs/other', 'web', 1)).toEqual([]);
  });
});

describe('a log group', () => {
  it('is searched by terms, phrases, exclusions and alternatives, over all streams by time', async () => {
    logs().append('/ecs/orders', 'web', ['ERROR cannot reach database']);
    await later(10);
    logs().append('/ecs/orders', 'worker', ['WARN retrying', 'ERROR out of memory']);
    await later(10);
    logs().append('/ecs/orders', 'web', ['INFO listening']);
    const search = async (filterPattern: string, rest: object = {}) =>
      messages(await client.send(new FilterLogEventsCommand({ logGroupName: '/ecs/orders', filterPattern, ...rest })));
    expect(await search('ERROR')).toEqual(['ERROR cannot reach database', 'ERROR out of memory']);
    expect(await search('ERROR memory')).toEqual(['ERROR out of memory']);
    expect(await search('"out of"')).toEqual(['ERROR out of memory']);
    expect(await search('ERROR -memory')).toEqual(['ERROR cannot reach database']);
    expect(await search('?WARN ?INFO')).toEqual(['WARN retrying', 'INFO listening']);
    expect(await search('', { logStreamNames: ['worker'], limit: 1 })).toEqual(['WARN retrying']);
    await expect(search('{ $.level = "ERROR" }')).rejects.toThrow(/local AWS knows terms and phrases/);
  });

  it('is listed with its streams', async () => {
    logs().append('/ecs/orders', 'web/1', ['x']);
    await later(1000);
    logs().append('/ecs/orders', 'web/2', ['y']);
    const { logGroups } = await client.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/ecs' }));
    expect(logGroups).toMatchObject([{ logGroupName: '/ecs/orders', arn: `arn:aws:logs:${region}:${account}:log-group:/ecs/orders:*` }]);
    const { logStreams } = await client.send(
      new DescribeLogStreamsCommand({ logGroupName: '/ecs/orders', orderBy: 'LastEventTime', descending: true }),
    );
    expect(logStreams?.map(({ logStreamName }) => logStreamName)).toEqual(['web/2', 'web/1']);
    expect(logStreams?.[0]?.lastEventTimestamp).toBe(clock.now());
  });

  it("is opened by a role's policy on its streams, which ends in a star", async () => {
    logs().append('/ecs/orders', 'web', ['x']);
    const Resource = `arn:aws:logs:${region}:${account}:log-group:/ecs/orders:*`;
    const Statement = [{ Effect: 'Allow', Action: ['logs:FilterLogEvents', 'logs:GetLogEvents'], Resource }] as const;
    const reader = as(
      site()
        .service('iam')
        .user('reader', { read: { Version: '2012-10-17', Statement } }),
    );
    await reader.send(new FilterLogEventsCommand({ logGroupName: '/ecs/orders' }));
    await reader.send(new GetLogEventsCommand({ logGroupName: '/ecs/orders', logStreamName: 'web' }));
    await expect(reader.send(new DescribeLogStreamsCommand({ logGroupName: '/ecs/orders' }))).rejects.toThrow(/logs:DescribeLogStreams/);
  });

  it('lets EventBridge in by a resource policy of the account', async () => {
    const events = { kind: 'service', arn: 'events.amazonaws.com', account } as const;
    const write = () => site().call(events, 'logs', 'CreateLogStream', { logGroupName: '/ecs/orders', logStreamName: 'rule' });
    await expect(write()).rejects.toThrow(/no resource-based policy/);
    const Resource = `arn:aws:logs:${region}:${account}:log-group:/ecs/orders:*`;
    const statement = { Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'logs:CreateLogStream', Resource };
    await logs().resources['AWS::Logs::ResourcePolicy']!.create(
      { PolicyName: 'rules', PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }) },
      {} as never,
    );
    await write();
  });
});

describe('a line in embedded metric format', () => {
  it('becomes metrics, for each set of dimensions', async () => {
    const line = JSON.stringify({
      _aws: {
        Timestamp: clock.now(),
        CloudWatchMetrics: [
          {
            Namespace: 'Shop',
            Dimensions: [['service'], ['service', 'step']],
            Metrics: [{ Name: 'Orders', Unit: 'Count' }, { Name: 'Wait' }],
          },
        ],
      },
      service: 'orders',
      step: 'pay',
      Orders: 3,
      Wait: [1, 5],
    });
    logs().append('/ecs/orders', 'web', ['{"_aws": broken', line]);
    expect(logs().lastLines('/ecs/orders', 'web', 1)).toEqual([line]);
    const metrics = new CloudWatchClient(clientConfig(world, { region, credentials: site().service('iam').root() }));
    const listed = await metrics.send(new ListMetricsCommand({ Namespace: 'Shop' }));
    expect(listed.Metrics?.map(({ MetricName, Dimensions }) => [MetricName, Dimensions?.length])).toEqual([
      ['Orders', 1],
      ['Orders', 2],
      ['Wait', 1],
      ['Wait', 2],
    ]);
    const { Datapoints } = await metrics.send(
      new GetMetricStatisticsCommand({
        Namespace: 'Shop',
        MetricName: 'Wait',
        Dimensions: [{ Name: 'service', Value: 'orders' }],
        StartTime: new Date(clock.now() - 60_000),
        EndTime: new Date(clock.now() + 60_000),
        Period: 60,
        Statistics: ['Sum', 'Maximum', 'SampleCount'],
      }),
    );
    expect(Datapoints).toEqual([{ Timestamp: new Date(clock.now()), Unit: 'None', Sum: 6, Maximum: 5, SampleCount: 2 }]);
  });
});
