import {
  CreateEventBusCommand,
  DeleteEventBusCommand,
  DeleteRuleCommand,
  DescribeEventBusCommand,
  EventBridgeClient,
  ListEventBusesCommand,
  ListRuleNamesByTargetCommand,
  ListTagsForResourceCommand,
  PutEventsCommand,
  PutPermissionCommand,
  type PutPermissionCommandInput,
  PutRuleCommand,
  PutTargetsCommand,
  RemovePermissionCommand,
  TagResourceCommand,
  type Target,
  UntagResourceCommand,
} from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from 'vitest';
import { clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { World } from '../../../local/core/world.ts';
import { factories } from '../../../local/services/index.ts';

const account = '111122223333';
const other = '444455556666';
const region = 'eu-central-1';
const queueArn = `arn:aws:sqs:${region}:${account}:inbox`;
const QueueUrl = `https://sqs.${region}.amazonaws.com/${account}/inbox`;
const fromEvents = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' }],
};

let clock: VirtualClock;
let world: World;
let events: EventBridgeClient;
let queues: SQSClient;
const config = (of = account) => clientConfig(world, { region, credentials: world.site(of, region).service('iam').root() });

beforeEach(async () => {
  clock = new VirtualClock(Date.parse('2026-11-23T08:00:00Z'));
  world = new World(clock, factories, 1);
  events = new EventBridgeClient(config());
  queues = new SQSClient(config());
  await queues.send(new CreateQueueCommand({ QueueName: 'inbox', Attributes: { Policy: JSON.stringify(fromEvents) } }));
  await events.send(new PutRuleCommand({ Name: 'orders', EventPattern: '{"source":["shop"]}' }));
});

/** What the queue gets of an event, through a target with these settings. */
async function received(settings: Partial<Target>, detail: unknown): Promise<(string | undefined)[]> {
  await events.send(new PutTargetsCommand({ Rule: 'orders', Targets: [{ Id: 'inbox', Arn: queueArn, ...settings }] }));
  await events.send(new PutEventsCommand({ Entries: [{ Source: 'shop', DetailType: 'placed', Detail: JSON.stringify(detail) }] }));
  await clock.run({ until: clock.now() + 60_000 });
  const { Messages = [] } = await queues.send(new ReceiveMessageCommand({ QueueUrl }));
  return Messages.map(({ Body }) => Body);
}

describe('an input transformer', () => {
  const detail = { id: 'o-1', total: 12.5, paid: true, lines: ['pen', 'ink'], buyer: { name: 'Ada "A" L' }, none: null };
  const InputPathsMap = {
    id: '$.detail.id',
    total: '$.detail.total',
    paid: '$.detail.paid',
    lines: '$.detail.lines',
    buyer: '$.detail.buyer',
    absent: '$.detail.absent',
    name: '$.detail.buyer.name',
  };
  const cases: [template: string, got: string | undefined][] = [
    ['"Order <id> of <name>: <total>, paid <paid>"', '"Order o-1 of Ada \\"A\\" L: 12.5, paid true"'],
    ['"<lines> for <buyer>"', '"[pen,ink] for {name:Ada \\A\\ L}"'],
    ['"<absent>!"', '"!"'],
    [
      '{"id": <id>, "lines": <lines>, "buyer": <buyer>, "absent": <absent>}',
      '{"id": "o-1", "lines": ["pen","ink"], "buyer": {"name":"Ada \\"A\\" L"}, "absent": ""}',
    ],
    ['{"text": "<id>/<total>/<paid>"}', '{"text": "o-1/12.5/true"}'],
    ['[<id>, "<id>"]', '["o-1", "o-1"]'],
    ['{"text": "<lines>"}', undefined],
    ['{"text": "<buyer>"}', undefined],
    [
      '{"rule": "<aws.events.rule-name>", "arn": <aws.events.rule-arn>}',
      `{"rule": "orders", "arn": "arn:aws:events:${region}:${account}:rule/orders"}`,
    ],
  ];
  it.each(cases)('%s gives %s', async (InputTemplate, got) => {
    expect(await received({ InputTransformer: { InputPathsMap, InputTemplate } }, detail)).toEqual(got === undefined ? [] : [got]);
  });

  it('gives the event without its detail, and with it', async () => {
    const InputTemplate = '{"envelope": <aws.events.event>, "all": <aws.events.event.json>}';
    const [text] = await received({ InputTransformer: { InputTemplate } }, { a: 1 });
    const { envelope, all } = JSON.parse(text!);
    expect(all).toMatchObject({ source: 'shop', 'detail-type': 'placed', detail: { a: 1 } });
    const { detail: _, ...rest } = all;
    expect(envelope).toEqual(rest);
  });
});

describe('an event bus', () => {
  it('is described with its times and its policy, and listed by prefix and page', async () => {
    for (const Name of ['b-2', 'b-1', 'c-1']) await events.send(new CreateEventBusCommand({ Name, Description: `bus ${Name}` }));
    const first = await events.send(new ListEventBusesCommand({ NamePrefix: 'b-', Limit: 1 }));
    const second = await events.send(new ListEventBusesCommand({ NamePrefix: 'b-', Limit: 1, NextToken: first.NextToken }));
    expect([first.EventBuses![0]!.Name, second.EventBuses![0]!.Name, second.NextToken]).toEqual(['b-1', 'b-2', undefined]);
    expect(await events.send(new DescribeEventBusCommand({ Name: 'c-1' }))).toMatchObject({
      Description: 'bus c-1',
      CreationTime: new Date('2026-11-23T08:00:00Z'),
    });
    await expect(events.send(new CreateEventBusCommand({ Name: 'c-1' }))).rejects.toMatchObject({
      name: 'ResourceAlreadyExistsException',
      message: 'Event bus c-1 already exists.',
    });
  });

  it('lets another account in only by its policy', async () => {
    await events.send(new CreateEventBusCommand({ Name: 'shared' }));
    const stranger = new EventBridgeClient(config(other));
    const EventBusName = `arn:aws:events:${region}:${account}:event-bus/shared`;
    const put = () => stranger.send(new PutEventsCommand({ Entries: [{ EventBusName, Source: 'x', DetailType: 'y', Detail: '{}' }] }));
    await expect(put()).rejects.toMatchObject({ name: 'AccessDeniedException' });
    const permit = { EventBusName: 'shared', Action: 'events:PutEvents', Principal: other, StatementId: 'partner' };
    await events.send(new PutPermissionCommand(permit));
    expect((await put()).FailedEntryCount).toBe(0);
    const { Policy } = await events.send(new DescribeEventBusCommand({ Name: 'shared' }));
    expect(JSON.parse(Policy!)).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'partner',
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${other}:root` },
          Action: 'events:PutEvents',
          Resource: EventBusName,
        },
      ],
    });
    await events.send(new RemovePermissionCommand({ EventBusName: 'shared', StatementId: 'partner' }));
    await expect(put()).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  it('refuses permissions that make no sense', async () => {
    const refusal = (input: PutPermissionCommandInput) => expect(events.send(new PutPermissionCommand(input))).rejects;
    await refusal({ EventBusName: 'none', Principal: '*', Action: 'events:PutEvents', StatementId: 'a' }).toThrow(
      'Event bus none does not exist.',
    );
    await refusal({ Principal: '*', Action: 'events:PutRule', StatementId: 'a' }).toThrow(
      "Provided value in parameter 'action' is not supported.",
    );
    await refusal({ Policy: '{"Statement":[]}', StatementId: 'a' }).toMatchObject({ name: 'ValidationException' });
    await refusal({ Principal: '*' }).toMatchObject({ name: 'ValidationException' });
    await expect(events.send(new RemovePermissionCommand({ StatementId: 'a' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Statement with the provided id does not exist.',
    });
  });
});

describe('tags', () => {
  it('stay with a rule or a bus until it is deleted', async () => {
    await events.send(new CreateEventBusCommand({ Name: 'b', Tags: [{ Key: 'a', Value: '1' }] }));
    const { RuleArn } = await events.send(
      new PutRuleCommand({ Name: 'r', EventBusName: 'b', EventPattern: '{"source":["x"]}', Tags: [{ Key: 'c', Value: '3' }] }),
    );
    const tags = async (ResourceARN: string) => (await events.send(new ListTagsForResourceCommand({ ResourceARN }))).Tags;
    const bus = `arn:aws:events:${region}:${account}:event-bus/b`;
    await events.send(
      new TagResourceCommand({
        ResourceARN: bus,
        Tags: [
          { Key: 'a', Value: '2' },
          { Key: 'z', Value: '9' },
        ],
      }),
    );
    await events.send(new UntagResourceCommand({ ResourceARN: bus, TagKeys: ['z', 'never'] }));
    expect(await tags(bus)).toEqual([{ Key: 'a', Value: '2' }]);
    expect(await tags(RuleArn!)).toEqual([{ Key: 'c', Value: '3' }]);
    await events.send(new DeleteRuleCommand({ Name: 'r', EventBusName: 'b' }));
    await expect(tags(RuleArn!)).rejects.toThrow('Rule r does not exist on EventBus b.');
    await events.send(new DeleteEventBusCommand({ Name: 'b' }));
    await events.send(new CreateEventBusCommand({ Name: 'b' }));
    expect(await tags(bus)).toEqual([]);
  });
});

it('rules are found by what they call', async () => {
  await events.send(new PutRuleCommand({ Name: 'also', EventPattern: '{"source":["x"]}' }));
  for (const Rule of ['orders', 'also']) await events.send(new PutTargetsCommand({ Rule, Targets: [{ Id: 'one', Arn: queueArn }] }));
  const { RuleNames } = await events.send(new ListRuleNamesByTargetCommand({ TargetArn: queueArn }));
  expect(RuleNames).toEqual(['also', 'orders']);
});
