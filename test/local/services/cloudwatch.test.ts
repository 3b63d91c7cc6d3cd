import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  DisableAlarmActionsCommand,
  GetMetricDataCommand,
  ListMetricsCommand,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
  PutMetricDataCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AccessKey, clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import type { Service } from '../../../local/core/service.ts';
import { World } from '../../../local/core/world.ts';
import { CloudWatch } from '../../../local/services/cloudwatch.ts';
import { Iam } from '../../../local/services/iam.ts';
import { Sns } from '../../../local/services/sns.ts';

const account = '111122223333';
const region = 'eu-central-1';
const start = Date.parse('2026-11-23T08:00:00Z');
const MINUTE = 60_000;

interface Event {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: { state: { value: string; reason: string }; previousState: { value: string } };
  readonly resources: string[];
}

/** A bus that keeps what is published. */
class Bus implements Service {
  readonly operations = {};
  readonly published: Event[] = [];
  publish(event: Event): void {
    this.published.push(event);
  }
}

let clock: VirtualClock;
let world: World;
let bus: Bus;
let client: CloudWatchClient;
const site = () => world.site(account, region);
const as = (credentials: AccessKey) => new CloudWatchClient(clientConfig(world, { region, credentials }));

beforeEach(() => {
  clock = new VirtualClock(start);
  bus = new Bus();
  const factories = {
    iam: (one: never) => new Iam(one),
    cloudwatch: (one: never) => new CloudWatch(one),
    sns: (one: never) => new Sns(one),
    events: () => bus,
  };
  world = new World(clock, factories as never, 7);
  client = as(site().service('iam').root());
});

const Namespace = 'Shop';
const put = (value: number, at = clock.now(), MetricName = 'Errors') =>
  client.send(
    new PutMetricDataCommand({
      Namespace,
      MetricData: [{ MetricName, Value: value, Timestamp: new Date(at), Dimensions: [{ Name: 'service', Value: 'orders' }] }],
    }),
  );
const minutes = (count: number) => clock.run({ until: clock.now() + count * MINUTE });

describe('metrics', () => {
  it('are summed up by period, each statistic its own way', async () => {
    await put(1, start);
    await put(5, start + 59_999);
    await put(4, start + MINUTE);
    const query = (Stat: string) => ({
      Id: Stat.toLowerCase(),
      MetricStat: { Metric: { Namespace, MetricName: 'Errors', Dimensions: [{ Name: 'service', Value: 'orders' }] }, Period: 60, Stat },
    });
    const { MetricDataResults } = await client.send(
      new GetMetricDataCommand({
        StartTime: new Date(start),
        EndTime: new Date(start + 5 * MINUTE),
        ScanBy: 'TimestampAscending',
        MetricDataQueries: ['Sum', 'Average', 'Minimum', 'Maximum', 'SampleCount', 'p90'].map(query),
      }),
    );
    expect(Object.fromEntries(MetricDataResults!.map(({ Id, Values }) => [Id, Values]))).toEqual({
      sum: [6, 4],
      average: [3, 4],
      minimum: [1, 4],
      maximum: [5, 4],
      samplecount: [2, 1],
      p90: [5, 4],
    });
    expect(MetricDataResults?.[0]?.Timestamps).toEqual([new Date(start), new Date(start + MINUTE)]);
  });

  it('are told apart by their dimensions, and listed', async () => {
    await put(1);
    await client.send(new PutMetricDataCommand({ Namespace, MetricData: [{ MetricName: 'Errors', Values: [1, 2], Counts: [3, 1] }] }));
    const { Metrics } = await client.send(new ListMetricsCommand({ Namespace, MetricName: 'Errors' }));
    expect(Metrics?.map(({ Dimensions }) => Dimensions)).toEqual([[{ Name: 'service', Value: 'orders' }], []]);
    expect(world.meter.total('cloudwatch.metric')).toBe(2);
    await expect(
      client.send(new PutMetricDataCommand({ Namespace: 'AWS/ECS', MetricData: [{ MetricName: 'a', Value: 1 }] })),
    ).rejects.toThrow(/AWS\//);
  });

  it('are put by who may put into the namespace', async () => {
    const Statement = [
      {
        Effect: 'Allow',
        Action: 'cloudwatch:PutMetricData',
        Resource: '*',
        Condition: { StringEquals: { 'cloudwatch:namespace': 'Shop' } },
      },
    ] as const;
    const user = as(
      site()
        .service('iam')
        .user('shop', { put: { Version: '2012-10-17', Statement } }),
    );
    const data = [{ MetricName: 'a', Value: 1 }];
    await user.send(new PutMetricDataCommand({ Namespace: 'Shop', MetricData: data }));
    await expect(user.send(new PutMetricDataCommand({ Namespace: 'Bank', MetricData: data }))).rejects.toThrow(/not authorized/);
  });
});

describe('an alarm', () => {
  const alarm = (rest: Partial<PutMetricAlarmCommandInput> = {}) =>
    client.send(
      new PutMetricAlarmCommand({
        AlarmName: 'errors',
        Namespace,
        MetricName: 'Errors',
        Dimensions: [{ Name: 'service', Value: 'orders' }],
        Statistic: 'Sum',
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 3,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        ...rest,
      }),
    );
  const state = () => site().service('cloudwatch').alarmState('errors');
  /** The states that were reached, with the minute of each. */
  const history = () => {
    const seen: [minute: number, state: string][] = [];
    site()
      .service('cloudwatch')
      .onStateChange(({ to }) => seen.push([(clock.now() - start) / MINUTE, to]));
    return seen;
  };

  it('goes off at the end of the minute that breaches, and recovers when that is over', async () => {
    await alarm({ TreatMissingData: 'notBreaching' });
    const seen = history();
    await minutes(1);
    expect(state()).toBe('OK');
    await minutes(0.5);
    for (let n = 0; n < 3; n++) await put(1);
    await minutes(0.4);
    expect(state()).toBe('OK');
    await minutes(0.1);
    expect(state()).toBe('ALARM');
    await clock.run();
    expect(seen).toEqual([
      [1, 'OK'],
      [2, 'ALARM'],
      // Two periods more are in view: the breach stands in for missing minutes until it leaves.
      [5, 'OK'],
    ]);
  });

  it('lets the clock come to rest when there is no data left', async () => {
    await alarm();
    await put(9);
    await clock.run();
    expect(clock.now()).toBeLessThanOrEqual(start + 6 * MINUTE);
    expect(state()).toBe('INSUFFICIENT_DATA');
  });

  const missing: [treatment: string, values: (number | undefined)[], states: string][] = [
    ['missing', [undefined, undefined, undefined], 'INSUFFICIENT_DATA'],
    ['notBreaching', [undefined, undefined, undefined], 'OK'],
    ['breaching', [undefined, undefined, undefined], 'ALARM'],
    ['ignore', [undefined, undefined, undefined], 'INSUFFICIENT_DATA'],
    ['missing', [9, undefined, undefined], 'ALARM'],
    ['notBreaching', [9, undefined, undefined], 'OK'],
    ['missing', [0, undefined, 9], 'OK'],
    ['missing', [9, 0, 9], 'ALARM'],
    ['breaching', [0, undefined, 9], 'ALARM'],
    ['notBreaching', [0, 0, 9], 'OK'],
  ];
  it.each(missing)('with missing data %s takes %o, two of three, for %s', async (treatment, values, expected) => {
    for (const [at, value] of values.entries()) if (value !== undefined) await put(value, start + at * MINUTE);
    await clock.run({ until: start + 2.5 * MINUTE });
    await alarm({ EvaluationPeriods: 3, DatapointsToAlarm: 2, TreatMissingData: treatment });
    await minutes(0.5);
    expect(state()).toBe(expected);
  });

  it('looks every minute at the last five of a period of five', async () => {
    await alarm({ Period: 300, TreatMissingData: 'notBreaching' });
    const seen = history();
    await minutes(2.5);
    await put(3);
    await minutes(2);
    expect(seen).toEqual([
      [1, 'OK'],
      [3, 'ALARM'],
    ]);
  });

  it('publishes an event that tells old and new state', async () => {
    await alarm({ AlarmDescription: 'too many errors' });
    await put(4);
    await minutes(1);
    expect(bus.published).toMatchObject([
      {
        source: 'aws.cloudwatch',
        'detail-type': 'CloudWatch Alarm State Change',
        resources: [`arn:aws:cloudwatch:${region}:${account}:alarm:errors`],
        detail: {
          alarmName: 'errors',
          state: {
            value: 'ALARM',
            reason:
              'Threshold Crossed: 1 out of the last 1 datapoint [4 (2026-11-23T08:00:00.000Z)] was greater than or equal to the threshold (3).',
            timestamp: '2026-11-23T08:01:00.000+0000',
          },
          previousState: { value: 'INSUFFICIENT_DATA' },
          configuration: { description: 'too many errors', metrics: [{ metricStat: { period: 60, stat: 'Sum' } }] },
        },
      },
    ]);
  });

  it('acts by a topic, unless its actions are off', async () => {
    const context = { site: site(), stackName: 'p', logicalId: 'T', generatedName: 'p-T-1', asset: () => '' };
    const sns = site().service('sns');
    const topic = await sns.resources['AWS::SNS::Topic']!.create(
      { TopicName: 'alarms', Subscription: [{ Protocol: 'email', Endpoint: 'on-call@example.com' }] },
      context,
    );
    sns.confirm('on-call@example.com');
    await alarm({ AlarmActions: [topic.ref] });
    const set = (StateValue: 'ALARM' | 'OK') =>
      client.send(new SetAlarmStateCommand({ AlarmName: 'errors', StateValue, StateReason: 'drill' }));
    await set('ALARM');
    await clock.run({ until: clock.now() + 1000 });
    const [, mail] = sns.outbox;
    expect(mail).toMatchObject({ to: 'on-call@example.com', subject: `ALARM: "errors" in ${region}` });
    expect(JSON.parse(mail!.body)).toMatchObject({
      AlarmName: 'errors',
      NewStateValue: 'ALARM',
      NewStateReason: 'drill',
      OldStateValue: 'INSUFFICIENT_DATA',
    });
    await client.send(new DisableAlarmActionsCommand({ AlarmNames: ['errors'] }));
    await set('OK');
    await set('ALARM');
    await clock.run();
    expect(sns.outbox).toHaveLength(2);
    // What was set by hand gives way to what the data says.
    expect(state()).toBe('INSUFFICIENT_DATA');
  });

  it('is described, and refuses what local AWS does not know', async () => {
    await alarm();
    await put(4);
    await minutes(1);
    const { MetricAlarms } = await client.send(new DescribeAlarmsCommand({ AlarmNames: ['errors'] }));
    expect(MetricAlarms).toMatchObject([
      { AlarmName: 'errors', StateValue: 'ALARM', Threshold: 3, DatapointsToAlarm: 1, TreatMissingData: 'missing' },
    ]);
    expect((await client.send(new DescribeAlarmsCommand({ StateValue: 'OK' }))).MetricAlarms).toEqual([]);
    await expect(
      alarm({ Metrics: [{ Id: 'e', Expression: 'm1+m2' }], MetricName: undefined, Namespace: undefined, Statistic: undefined }),
    ).rejects.toThrow(/no metric math/);
    await expect(alarm({ AlarmActions: ['arn:aws:automate:eu-central-1:ec2:stop'] })).rejects.toThrow(/topics and functions/);
  });

  it('is made by CloudFormation, and its hours are counted', async () => {
    const context = { site: site(), stackName: 'p', logicalId: 'A', generatedName: 'p-A-1', asset: () => '' };
    const metrics = site().service('cloudwatch');
    const created = await metrics.resources['AWS::CloudWatch::Alarm']!.create(
      {
        Namespace,
        MetricName: 'Errors',
        Statistic: 'Sum',
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 0,
        ComparisonOperator: 'GreaterThanThreshold',
        TreatMissingData: 'notBreaching',
      },
      context,
    );
    expect(created).toEqual({ ref: 'p-A-1', attributes: { Arn: `arn:aws:cloudwatch:${region}:${account}:alarm:p-A-1` } });
    await minutes(90);
    expect(metrics.alarmState(created.attributes!.Arn!)).toBe('OK');
    metrics.accrue();
    expect(world.meter.total('cloudwatch.alarm-hour')).toBe(1.5);
  });
});
