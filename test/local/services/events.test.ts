import {
  DeleteRuleCommand,
  DescribeRuleCommand,
  DisableRuleCommand,
  EventBridgeClient,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  type Target,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from 'vitest';
import { clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { identities } from '../../../local/core/iam/identities.ts';
import type { PolicyDocument } from '../../../local/core/service.ts';
import { World } from '../../../local/core/world.ts';
import { Events } from '../../../local/services/events/index.ts';
import { flatten, matches } from '../../../local/services/events/match.ts';
import { compilePattern } from '../../../local/services/events/pattern.ts';
import { targetInput } from '../../../local/services/events/transformer.ts';
import { allows, machines, queues, trusts } from './double.ts';

const account = '111111111111';
const region = 'eu-central-1';
const start = Date.UTC(2026, 10, 2, 9, 0, 0);
const queue = `arn:aws:sqs:${region}:${account}:work`;
const machine = `arn:aws:states:${region}:${account}:stateMachine:release`;

/** Lets rules of this account send to the queue. */
const open: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: '*',
      Condition: { ArnLike: { 'aws:SourceArn': `arn:aws:events:${region}:${account}:rule/*` } },
    },
  ],
};

function build(policy: PolicyDocument | undefined = open) {
  const clock = new VirtualClock(start);
  const sqs = queues(policy);
  const states = machines();
  const world = new World(clock, { events: (site) => new Events(site), sqs: () => sqs, states: () => states });
  const iam = identities(world, account);
  const credentials = iam.user('admin', { all: allows('*') });
  const client = new EventBridgeClient(clientConfig(world, { region, credentials }));
  const events = world.site(account, region).service('events');
  const rule = async (pattern: object, targets: Target[], name = 'orders') => {
    await client.send(new PutRuleCommand({ Name: name, EventPattern: JSON.stringify(pattern) }));
    if (targets.length > 0) await client.send(new PutTargetsCommand({ Rule: name, Targets: targets }));
  };
  const publish = (detail: object, type = 'ECR Image Action') => events.publish({ source: 'aws.ecr', 'detail-type': type, detail });
  const bodies = () => sqs.calls.map(({ input }) => JSON.parse(input.MessageBody));
  return { clock, world, iam, sqs, states, client, events, rule, publish, bodies };
}

const target = { Id: 'work', Arn: queue };
const push = { source: ['aws.ecr'], detail: { 'action-type': ['PUSH'] } };

describe('rules', () => {
  it('bring the events that match to their targets, within a second', async () => {
    const { rule, publish, clock, sqs, bodies } = build();
    await rule(push, [target]);
    publish({ 'action-type': 'DELETE' });
    publish({ 'action-type': 'PUSH', 'image-tag': 'git_1' });
    await clock.run();
    expect(bodies()).toEqual([
      {
        version: '0',
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        'detail-type': 'ECR Image Action',
        source: 'aws.ecr',
        account,
        time: '2026-11-02T09:00:00Z',
        region,
        resources: [],
        detail: { 'action-type': 'PUSH', 'image-tag': 'git_1' },
      },
    ]);
    expect(sqs.calls[0]!.time).toBeGreaterThan(start);
    expect(sqs.calls[0]!.time).toBeLessThan(start + 1_000);
    expect(sqs.calls[0]!.principal).toMatchObject({ kind: 'service', arn: 'events.amazonaws.com' });
  });

  it('deliver nothing where the target does not allow the rule, and say so to the dead-letter queue', async () => {
    const deadOnly: PolicyDocument = {
      ...open,
      Statement: [{ ...(open.Statement as readonly object[])[0]!, Resource: `arn:aws:sqs:${region}:${account}:dead` } as never],
    };
    const { rule, publish, clock, sqs } = build(deadOnly);
    await rule(push, [{ ...target, DeadLetterConfig: { Arn: `arn:aws:sqs:${region}:${account}:dead` } }]);
    publish({ 'action-type': 'PUSH' });
    await clock.run();
    expect(sqs.calls).toHaveLength(1);
    expect(sqs.calls[0]!.input).toMatchObject({
      QueueUrl: expect.stringMatching(/dead$/),
      MessageAttributes: {
        ERROR_CODE: { StringValue: 'AccessDeniedException' },
        RULE_ARN: { StringValue: `arn:aws:events:${region}:${account}:rule/orders` },
        TARGET_ARN: { StringValue: queue },
      },
    });
  });

  it('start state machines as their role, which must trust EventBridge and may start them', async () => {
    const { rule, publish, clock, states, iam } = build();
    const role = iam.createRole({ name: 'starter', trust: trusts('events.amazonaws.com') });
    role.inline.set('start', allows('states:StartExecution', machine));
    const foreign = iam.createRole({ name: 'foreign', trust: trusts('ecs.amazonaws.com') });
    foreign.inline.set('start', allows('states:StartExecution', machine));
    await rule(push, [
      { Id: 'good', Arn: machine, RoleArn: role.arn, InputPath: '$.detail' },
      { Id: 'bad', Arn: machine, RoleArn: foreign.arn, Input: '{"never":true}' },
    ]);
    publish({ 'action-type': 'PUSH', digest: 'sha256:1' });
    await clock.run();
    expect(states.calls.map(({ input }) => input)).toEqual([
      { stateMachineArn: machine, input: '{"action-type":"PUSH","digest":"sha256:1"}' },
    ]);
    expect(states.calls[0]!.principal.roleArn).toBe(role.arn);
  });

  it('try a throttled target again for as long as the retry policy says', async () => {
    const { rule, publish, clock, sqs, world } = build();
    await rule(push, [
      { ...target, RetryPolicy: { MaximumRetryAttempts: 3 }, DeadLetterConfig: { Arn: `arn:aws:sqs:${region}:${account}:dead` } },
    ]);
    world.faults.add({ kind: 'error-500', match: { service: 'sqs' }, times: 3 });
    publish({ 'action-type': 'PUSH' });
    await clock.run();
    expect(sqs.calls.map(({ input }) => input.QueueUrl.split('/').pop())).toEqual(['work']);
    world.faults.add({ kind: 'error-500', match: { service: 'sqs' }, times: 4 });
    publish({ 'action-type': 'PUSH' });
    await clock.run();
    expect(sqs.calls.map(({ input }) => input.QueueUrl.split('/').pop())).toEqual(['work', 'dead']);
    expect(sqs.calls[1]!.input.MessageAttributes).toMatchObject({
      RETRY_ATTEMPTS: { StringValue: '3' },
      EXHAUSTED_RETRY_CONDITION: { StringValue: 'MaximumRetryAttempts' },
    });
  });

  it('lose, delay and double events as faults say', async () => {
    const { rule, publish, clock, sqs, world, bodies } = build();
    await rule(push, [target]);
    world.faults.addEvent({ match: { source: 'aws.ecr' }, nth: 1, deliver: [] });
    world.faults.addEvent({ match: { source: 'aws.ecr' }, nth: 2, deliver: [0, 0] });
    world.faults.addEvent({ match: { source: 'aws.ecr' }, nth: 3, deliver: [60_000] });
    for (const n of [1, 2, 3, 4]) publish({ 'action-type': 'PUSH', n });
    await clock.run();
    expect(
      bodies()
        .map(({ detail }) => detail.n)
        .sort((a, b) => a - b),
    ).toEqual([2, 2, 3, 4]);
    expect(sqs.calls.at(-1)!.time).toBeGreaterThan(start + 60_000);
    expect(
      new Set(
        bodies()
          .filter(({ detail }) => detail.n === 2)
          .map(({ id }) => id),
      ).size,
    ).toBe(1);
  });

  it('fire on a schedule in UTC with one timer each, until they are disabled', async () => {
    const { client, clock, sqs, bodies } = build();
    await client.send(new PutRuleCommand({ Name: 'sweep', ScheduleExpression: 'rate(5 minutes)' }));
    await client.send(new PutRuleCommand({ Name: 'night', ScheduleExpression: 'cron(0 20 * * ? *)' }));
    await client.send(new PutTargetsCommand({ Rule: 'sweep', Targets: [target] }));
    await client.send(new PutTargetsCommand({ Rule: 'night', Targets: [{ ...target, Input: '"night"' }] }));
    await clock.run({ until: start + 16 * 60_000 });
    expect(sqs.calls.map(({ time }) => (time - start) / 60_000)).toEqual([5, 10, 15]);
    expect(bodies()[0]).toMatchObject({
      source: 'aws.events',
      'detail-type': 'Scheduled Event',
      resources: [`arn:aws:events:${region}:${account}:rule/sweep`],
      detail: {},
    });
    await client.send(new DisableRuleCommand({ Name: 'sweep' }));
    await clock.run({ until: Date.UTC(2026, 10, 3) });
    expect(bodies().slice(3)).toEqual(['night']);
  });

  it('are described, emptied and deleted', async () => {
    const { client, rule } = build();
    await rule(push, [target]);
    expect(await client.send(new DescribeRuleCommand({ Name: 'orders' }))).toMatchObject({
      State: 'ENABLED',
      EventPattern: JSON.stringify(push),
      EventBusName: 'default',
    });
    await expect(client.send(new DeleteRuleCommand({ Name: 'orders' }))).rejects.toMatchObject({
      message: "Rule can't be deleted since it has targets.",
    });
    expect((await client.send(new ListTargetsByRuleCommand({ Rule: 'orders' }))).Targets).toEqual([target]);
    const removed = await client.send(new RemoveTargetsCommand({ Rule: 'orders', Ids: ['work', 'other'] }));
    expect(removed).toMatchObject({ FailedEntryCount: 1, FailedEntries: [{ TargetId: 'other', ErrorCode: 'ResourceNotFoundException' }] });
    await client.send(new DeleteRuleCommand({ Name: 'orders' }));
    await expect(client.send(new DescribeRuleCommand({ Name: 'orders' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Rule orders does not exist on EventBus default.',
    });
  });

  it('are refused with the words of AWS', async () => {
    const { client, rule } = build();
    const bad = (pattern: string) => client.send(new PutRuleCommand({ Name: 'bad', EventPattern: pattern }));
    await expect(bad('{"source": "aws.ecr"}')).rejects.toMatchObject({
      name: 'InvalidEventPatternException',
      message:
        'Event pattern is not valid. Reason: "source" must be an object or an array\n at [Source: (String)"{"source": "aws.ecr"}"; line: 1, column: 13]',
    });
    await expect(client.send(new PutRuleCommand({ Name: 'bad', ScheduleExpression: 'rate(1 minutes)' }))).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Parameter ScheduleExpression is not valid.',
    });
    await expect(client.send(new PutRuleCommand({ Name: 'bad' }))).rejects.toMatchObject({ name: 'ValidationException' });
    await rule(push, []);
    await expect(client.send(new PutTargetsCommand({ Rule: 'orders', Targets: [{ Id: 'm', Arn: machine }] }))).rejects.toThrow(
      /RoleArn is required/,
    );
    await expect(client.send(new PutTargetsCommand({ Rule: 'other', Targets: [target] }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('come from templates, with names made up, and go with them', async () => {
    const { events, publish, clock, bodies } = build();
    const type = events.resources['AWS::Events::Rule']!;
    const context = { site: events.site, stackName: 'acme', logicalId: 'Push', generatedName: 'acme-Push-1A2B', asset: () => '' };
    const made = await type.create({ EventPattern: push, Targets: [{ ...target, RetryPolicy: { MaximumRetryAttempts: '2' } }] }, context);
    expect(made).toEqual({ ref: 'acme-Push-1A2B', attributes: { Arn: `arn:aws:events:${region}:${account}:rule/acme-Push-1A2B` } });
    publish({ 'action-type': 'PUSH' });
    await clock.run();
    await type.update!({ EventPattern: { source: ['aws.ecs'] }, Targets: [target] }, made, context);
    publish({ 'action-type': 'PUSH' });
    await clock.run();
    expect(bodies()).toHaveLength(1);
    await type.delete!(made, context);
    expect(() => events.rule('acme-Push-1A2B')).toThrow(/does not exist/);
  });
});

describe('PutEvents', () => {
  it('takes what is well formed, and says of each entry why not', async () => {
    const { client, rule, clock, bodies } = build();
    await rule({ source: ['acme'] }, [target]);
    const good = { Source: 'acme', DetailType: 'Done', Detail: '{"n":1}', Time: new Date('2026-11-01T00:00:00Z') };
    const { FailedEntryCount, Entries } = await client.send(
      new PutEventsCommand({
        Entries: [good, { ...good, Detail: '[1]' }, { ...good, Source: 'aws.ecs' }, { ...good, DetailType: undefined }],
      }),
    );
    expect(FailedEntryCount).toBe(3);
    expect(Entries!.map(({ ErrorCode }) => ErrorCode)).toEqual([
      undefined,
      'MalformedDetail',
      'NotAuthorizedForSourceException',
      'InvalidArgument',
    ]);
    await clock.run();
    expect(bodies()).toMatchObject([{ id: Entries![0]!.EventId, time: '2026-11-01T00:00:00Z', detail: { n: 1 } }]);
  });

  it('is refused to whom no policy allows it', async () => {
    const { world, iam } = build();
    const client = new EventBridgeClient(clientConfig(world, { region, credentials: iam.user('nobody') }));
    await expect(client.send(new PutEventsCommand({ Entries: [{ Source: 'acme', DetailType: 'x', Detail: '{}' }] }))).rejects.toMatchObject(
      { name: 'AccessDeniedException' },
    );
  });
});

describe('patterns', () => {
  const holds = (pattern: object, event: object) => matches(compilePattern(JSON.stringify(pattern)), flatten(event));

  it('hold fields of one element of a list together', () => {
    const event = {
      containers: [
        { name: 'web', exitCode: 0 },
        { name: 'worker', exitCode: 1 },
      ],
    };
    expect(holds({ containers: { name: ['worker'], exitCode: [1] } }, event)).toBe(true);
    expect(holds({ containers: { name: ['web'], exitCode: [1] } }, event)).toBe(false);
    expect(holds({ containers: { name: ['web'] } }, { containers: { name: ['cron', 'web'] } })).toBe(true);
  });

  it('know alternatives beside conditions that always hold', () => {
    const pattern = {
      source: ['aws.ecs'],
      $or: [
        { detail: { eventName: [{ suffix: '_FAILED' }] } },
        { detail: { eventType: ['ERROR'], $or: [{ a: [1] }, { b: [{ exists: false }] }] } },
      ],
    };
    expect(holds(pattern, { source: 'aws.ecs', detail: { eventName: 'SERVICE_DEPLOYMENT_FAILED' } })).toBe(true);
    expect(holds(pattern, { source: 'aws.ecs', detail: { eventName: 'X', eventType: 'ERROR' } })).toBe(true);
    expect(holds(pattern, { source: 'aws.ecs', detail: { eventName: 'X', eventType: 'ERROR', b: 1 } })).toBe(false);
    expect(holds(pattern, { source: 'aws.ecr', detail: { eventName: 'SERVICE_DEPLOYMENT_FAILED' } })).toBe(false);
  });

  it('are tested by TestEventPattern', async () => {
    const { client } = build();
    const event = JSON.stringify({
      id: '1',
      source: 'a',
      'detail-type': 't',
      account,
      region,
      time: '2026-11-02T09:00:00Z',
      resources: [],
      detail: { ip: '10.0.3.7', path: '/a/b.txt' },
    });
    const test = async (detail: object) =>
      (await client.send(new TestEventPatternCommand({ Event: event, EventPattern: JSON.stringify({ detail }) }))).Result;
    expect(await test({ ip: [{ cidr: '10.0.0.0/22' }], path: [{ wildcard: '/*/*.txt' }] })).toBe(true);
    expect(await test({ ip: [{ cidr: '10.0.0.0/23' }] })).toBe(false);
  });
});

describe('input of a target', () => {
  const event = { source: 'aws.ecs', detail: { name: 'or"ders', n: 2, list: [{ a: 'x' }], reason: null }, resources: ['arn:1'] };
  const rule = { ruleArn: 'arn:rule', ruleName: 'orders', ingestionTime: '2026-11-02T09:00:00Z' };
  const transformed = (InputTemplate: string, InputPathsMap: Record<string, string> = {}) =>
    targetInput({ InputTransformer: { InputTemplate, InputPathsMap } }, event, rule);

  it('is a template filled from the event', () => {
    const paths = { name: '$.detail.name', n: '$.detail.n', a: '$.detail.list[0].a', list: '$.detail.list', none: '$.detail.none' };
    expect(
      JSON.parse(
        transformed(
          '{"name": <name>, "n": <n>, "text": "service <name> has <n>", "list": <list>, "rule": "<aws.events.rule-name>"}',
          paths,
        ),
      ),
    ).toEqual({
      name: 'or"ders',
      n: 2,
      text: 'service or"ders has 2',
      list: [{ a: 'x' }],
      rule: 'orders',
    });
    expect(transformed('"<a> of <none>."', paths)).toBe('"x of ."');
    expect(JSON.parse(transformed('{"event": <aws.events.event.json>}'))).toEqual({ event });
    expect(transformed('{"kept": "<unknown>"}')).toBe('{"kept": "<unknown>"}');
  });

  it('is a part of the event, or a constant', () => {
    expect(targetInput({ InputPath: '$.resources[0]' }, event, rule)).toBe('"arn:1"');
    expect(targetInput({ Input: '{"a":1}' }, event, rule)).toBe('{"a":1}');
    expect(JSON.parse(targetInput({}, event, rule))).toEqual(event);
  });
});
