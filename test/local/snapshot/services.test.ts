/** A world in which every service has something that is still to happen, saved and loaded again and again, ends as one that never was. */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/core/clock.ts';
import { World } from '../../../local/core/world.ts';
import { factories } from '../../../local/services/index.ts';
import { MemoryBlobs } from '../../../local/snapshot/blobs.ts';
import { loadWorld, type SavedWorld, saveWorld } from '../../../local/snapshot/world.ts';

const account = '111122223333';
const region = 'eu-central-1';
const START = Date.parse('2026-11-23T08:00:00Z');
const SECOND = 1_000;
const queue = (name: string) => `https://sqs.${region}.amazonaws.com/${account}/${name}`;
const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:${account}:${resource}`;
const everything = { Version: '2012-10-17', Statement: { Effect: 'Allow' as const, Action: '*', Resource: '*' } };

/** Puts something into each service that shows later: most of it in the seconds that follow, some in the minutes. */
async function begin(): Promise<World> {
  const world = new World(new VirtualClock(START), factories, 7);
  const site = world.site(account, region);
  const iam = site.service('iam');
  iam.user('tester', { everything });
  const call = <Output>(service: string, operation: string, input: object) =>
    site.call<Output>(iam.userPrincipal('tester'), service, operation, input);
  for (const QueueName of ['dead', 'work']) await call('sqs', 'CreateQueue', { QueueName });
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Principal: '*', Action: 'sqs:*', Resource: '*' } });
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: arn('sqs', 'dead'), maxReceiveCount: 1 });
  await call('sqs', 'SetQueueAttributes', { QueueUrl: queue('work'), Attributes: { Policy, RedrivePolicy } });
  await call('sqs', 'SetQueueAttributes', { QueueUrl: queue('dead'), Attributes: { Policy } });
  await call('sqs', 'SendMessage', { QueueUrl: queue('work'), MessageBody: 'late', DelaySeconds: 20 });
  await call('sns', 'CreateTopic', { Name: 'news' });
  await call('sns', 'Subscribe', { TopicArn: arn('sns', 'news'), Protocol: 'sqs', Endpoint: arn('sqs', 'work') });
  await call('sns', 'Publish', { TopicArn: arn('sns', 'news'), Message: 'hello' });
  await call('events', 'PutRule', { Name: 'often', ScheduleExpression: 'rate(1 minute)' });
  await call('events', 'PutTargets', { Rule: 'often', Targets: [{ Id: 'q', Arn: arn('sqs', 'work') }] });
  await call('events', 'PutRule', { Name: 'mine', EventPattern: JSON.stringify({ source: ['tests'] }) });
  await call('events', 'PutTargets', {
    Rule: 'mine',
    Targets: [{ Id: 'gone', Arn: arn('sqs', 'gone'), DeadLetterConfig: { Arn: arn('sqs', 'dead') } }],
  });
  await call('events', 'PutEvents', { Entries: [{ Source: 'tests', DetailType: 'x', Detail: '{}' }] });
  await call('dynamodb', 'CreateTable', {
    TableName: 'items',
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    BillingMode: 'PAY_PER_REQUEST',
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
  });
  await (world.clock as VirtualClock).run({ until: START + 10 * SECOND });
  await call('dynamodb', 'PutItem', { TableName: 'items', Item: { id: { S: 'a' }, n: { N: '1' }, b: { B: new Uint8Array([1, 2]) } } });
  await call('ssm', 'PutParameter', { Name: '/a', Value: '1', Type: 'String' });
  await call('logs', 'CreateLogGroup', { logGroupName: '/a' });
  await call('logs', 'CreateLogStream', { logGroupName: '/a', logStreamName: 's' });
  await call('logs', 'PutLogEvents', {
    logGroupName: '/a',
    logStreamName: 's',
    logEvents: [{ timestamp: world.clock.now(), message: 'said' }],
  });
  await call('cloudwatch', 'PutMetricData', { Namespace: 'Own', MetricData: [{ MetricName: 'errors', Value: 3 }] });
  await call('cloudwatch', 'PutMetricAlarm', {
    AlarmName: 'bad',
    Namespace: 'Own',
    MetricName: 'errors',
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanThreshold',
    AlarmActions: [arn('sns', 'news')],
  });
  await call('ecr', 'CreateRepository', { repositoryName: 'app' });
  await call('ecs', 'CreateCluster', { clusterName: 'c' });
  return world;
}

async function again(world: World): Promise<World> {
  const blobs = new MemoryBlobs();
  const saved = JSON.stringify(saveWorld(world, {}, () => ({}), blobs));
  return (await loadWorld(JSON.parse(saved) as SavedWorld, () => ({}), blobs)).world;
}

async function live(isSaved: boolean): Promise<World> {
  let world = await begin();
  for (let second = 0; second < 90; second++) {
    await (world.clock as VirtualClock).run({ until: world.clock.now() + SECOND });
    if (isSaved) world = await again(world);
  }
  return world;
}

describe('a world that is saved and loaded every second', () => {
  it('ends with the same messages, alarms, metrics and bill, at the same moments', async () => {
    const [undisturbed, saved] = [await live(false), await live(true)];
    const seen = (world: World) => {
      const site = world.site(account, region);
      return {
        now: world.clock.now(),
        next: (world.clock as VirtualClock).next,
        work: site.service('sqs').queue(queue('work')).bodies,
        dead: site.service('sqs').queue(queue('dead')).bodies,
        alarm: site.service('cloudwatch').alarmState('bad'),
        items: site.service('dynamodb').partition('items', 'a'),
        usage: world.meter.usage,
        drawn: world.random.next(),
      };
    };
    const [expected, found] = [seen(undisturbed), seen(saved)];
    expect(found).toEqual(expected);
    // Something of each has happened meanwhile.
    expect(expected.work.length).toBeGreaterThan(3);
    expect(expected.work).toContain('late');
    expect(expected.dead).toHaveLength(1);
    expect(expected.alarm).toBe('ALARM');
  });
});
