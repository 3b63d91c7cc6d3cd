import {
  CreateTopicCommand,
  GetSubscriptionAttributesCommand,
  PublishCommand,
  type PublishCommandInput,
  SetSubscriptionAttributesCommand,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from 'vitest';
import { clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { World } from '../../../local/core/world.ts';
import { Iam } from '../../../local/services/iam.ts';
import { Sns } from '../../../local/services/sns.ts';
import { Sqs } from '../../../local/services/sqs.ts';

const account = '111122223333';
const region = 'eu-central-1';
const TopicArn = `arn:aws:sns:${region}:${account}:news`;
const Endpoint = `arn:aws:sqs:${region}:${account}:inbox`;
const QueueUrl = `https://sqs.${region}.amazonaws.com/${account}/inbox`;
const ofTopics = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'sns.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' }],
};

let clock: VirtualClock;
let topics: SNSClient;
let queues: SQSClient;

beforeEach(async () => {
  clock = new VirtualClock(Date.parse('2026-11-23T08:00:00Z'));
  const world = new World(clock, { iam: (one) => new Iam(one), sns: (one) => new Sns(one), sqs: (one) => new Sqs(one) }, 1);
  const config = clientConfig(world, { region, credentials: world.site(account, region).service('iam').root() });
  topics = new SNSClient(config);
  queues = new SQSClient(config);
  await topics.send(new CreateTopicCommand({ Name: 'news' }));
  await queues.send(new CreateQueueCommand({ QueueName: 'inbox', Attributes: { Policy: JSON.stringify(ofTopics) } }));
});

const subscribe = (policy: unknown, FilterPolicyScope = 'MessageAttributes') =>
  topics.send(
    new SubscribeCommand({
      TopicArn,
      Protocol: 'sqs',
      Endpoint,
      Attributes: {
        RawMessageDelivery: 'true',
        FilterPolicyScope,
        FilterPolicy: typeof policy === 'string' ? policy : JSON.stringify(policy),
      },
      ReturnSubscriptionArn: true,
    }),
  );

/** Whether the message reaches the queue. */
async function arrives(message: Omit<PublishCommandInput, 'TopicArn'>): Promise<boolean> {
  await topics.send(new PublishCommand({ TopicArn, ...message }));
  await clock.run({ until: clock.now() + 60_000 });
  const { Messages = [] } = await queues.send(new ReceiveMessageCommand({ QueueUrl }));
  for (const { ReceiptHandle } of Messages) await queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  return Messages.length === 1;
}

const ofBody = (body: unknown) => ({ Message: typeof body === 'string' ? body : JSON.stringify(body) });
const ofKind = (StringValue: string, DataType = 'String') => ({
  Message: 'hello',
  MessageAttributes: { kind: { DataType, StringValue } },
});

describe('a filter policy on attributes', () => {
  const cases: [policy: unknown, value: string, type: string, passes: boolean][] = [
    [['a'], 'a', 'String', true],
    [['a'], 'A', 'String', false],
    [['a'], '["b","a"]', 'String.Array', true],
    [[null, true], '[true]', 'String.Array', true],
    [['1'], '1', 'Number', false],
    [[1], '1.0', 'Number', true],
    [[1], '1', 'String', false],
    [[{ numeric: ['=', 1.5] }], '1.50', 'Number', true],
    [[{ numeric: ['<', 0] }], '-0.1', 'Number', true],
    [[{ numeric: ['>=', 1, '<', 2] }], '2', 'Number', false],
    [[{ numeric: ['>', 1] }], '2', 'String', false],
    [[{ prefix: 'ab' }], 'abc', 'String', true],
    [[{ suffix: 'bc' }], 'abc', 'String', true],
    [[{ suffix: 'BC' }], 'abc', 'String', false],
    [[{ 'equals-ignore-case': 'ABC' }], 'abc', 'String', true],
    [[{ 'anything-but': ['a', 'b'] }], '["a","c"]', 'String.Array', true],
    [[{ 'anything-but': ['a', 'b'] }], '["a","b"]', 'String.Array', false],
    [[{ 'anything-but': [1, 2] }], '3', 'Number', true],
    [[{ 'anything-but': { prefix: 'order-' } }], 'order-1', 'String', false],
    [[{ 'anything-but': { prefix: 'order-' } }], 'invoice-1', 'String', true],
    [[{ cidr: '10.0.0.0/24' }], '10.0.0.7', 'String', true],
    [[{ cidr: '10.0.0.0/24' }], '10.0.1.7', 'String', false],
    [[{ exists: true }], '', 'String', true],
    [['a', { exists: false }], 'b', 'String', false],
    [['a'], 'a', 'String.name', true],
    [[3], '3', 'Number.int', true],
  ];
  it.each(cases)('%j of %s as %s: %s', async (rules, value, type, passes) => {
    await subscribe({ kind: rules });
    if (value === '') expect(await arrives(ofKind('x', type))).toBe(passes);
    else expect(await arrives(ofKind(value, type))).toBe(passes);
  });

  it('takes what has no such attribute only where that is asked for', async () => {
    const { SubscriptionArn } = await subscribe({ kind: [{ 'anything-but': 'a' }] });
    expect(await arrives({ Message: 'hello' })).toBe(false);
    await topics.send(
      new SetSubscriptionAttributesCommand({
        SubscriptionArn,
        AttributeName: 'FilterPolicy',
        AttributeValue: '{"kind": [{"anything-but": "a"}, {"exists": false}]}',
      }),
    );
    expect(await arrives({ Message: 'hello' })).toBe(true);
  });

  it('ignores binary attributes', async () => {
    await subscribe({ kind: [{ exists: true }] });
    const MessageAttributes = { kind: { DataType: 'Binary', BinaryValue: new Uint8Array([1]) } };
    expect(await arrives({ Message: 'hello', MessageAttributes })).toBe(false);
  });

  it('knows alternatives, also within one another', async () => {
    await subscribe({ $or: [{ kind: ['a'] }, { kind: ['b'], $or: [{ size: [1] }, { size: [2] }] }] });
    const sized = (kind: string, size: string) => ({
      Message: 'hello',
      MessageAttributes: { kind: { DataType: 'String', StringValue: kind }, size: { DataType: 'Number', StringValue: size } },
    });
    expect(await arrives(sized('a', '9'))).toBe(true);
    expect(await arrives(sized('b', '2'))).toBe(true);
    expect(await arrives(sized('b', '3'))).toBe(false);
  });
});

describe('a filter policy on the body', () => {
  it('treats dots in a key as levels, in both directions', async () => {
    await subscribe({ a: { 'b.c': ['x'] } }, 'MessageBody');
    expect(await arrives(ofBody({ a: { b: { c: 'x' } } }))).toBe(true);
    expect(await arrives(ofBody({ 'a.b': { c: 'x' } }))).toBe(true);
    expect(await arrives(ofBody({ a: { b: { c: 'y' } } }))).toBe(false);
  });

  it('wants the keys of one element of a list together', async () => {
    await subscribe({ lines: { item: ['pen'], count: [{ numeric: ['>', 1] }] } }, 'MessageBody');
    expect(await arrives(ofBody({ lines: [{ item: 'pen', count: 2 }] }))).toBe(true);
    expect(
      await arrives(
        ofBody({
          lines: [
            { item: 'pen', count: 1 },
            { item: 'ink', count: 2 },
          ],
        }),
      ),
    ).toBe(false);
  });

  it.each(['no JSON', '"text"', '[{"kind":"a"}]', 'null', '7'])('lets nothing through that is no object: %s', async (body) => {
    await subscribe({ kind: ['a', { exists: false }] }, 'MessageBody');
    expect(await arrives(ofBody(body))).toBe(false);
  });

  it('tells numbers, texts, true and null apart', async () => {
    await subscribe({ kind: [1, true, null] }, 'MessageBody');
    for (const [kind, passes] of [
      [1, true],
      ['1', false],
      [true, true],
      ['true', false],
      [null, true],
      [false, false],
    ] as const)
      expect([kind, await arrives(ofBody({ kind }))]).toEqual([kind, passes]);
  });
});

describe('SNS refuses a filter policy', () => {
  const refused: [policy: unknown, reason: string][] = [
    ['{', 'failed to parse JSON.'],
    ['[]', 'Filter is not an object'],
    [{ kind: [] }, 'Empty arrays are not allowed'],
    [{ kind: {} }, 'Empty objects are not allowed'],
    [{ kind: 'a' }, '"kind" must be an object or an array'],
    [{ kind: null }, '"kind" must be an object or an array'],
    [{ kind: [['a']] }, 'Match value must be String, number, true, false, or null'],
    [{ kind: [{}] }, 'Match expression name not found'],
    [{ kind: [{ like: 'a' }] }, 'Unrecognized match type like'],
    [{ kind: [{ wildcard: 'a*' }] }, 'Unrecognized match type wildcard'],
    [{ kind: [{ prefix: 1 }] }, 'prefix match pattern must be a string'],
    [{ kind: [{ prefix: { 'equals-ignore-case': 'a' } }] }, 'prefix match pattern must be a string'],
    [{ kind: [{ 'equals-ignore-case': ['a'] }] }, 'equals-ignore-case match pattern must be a string'],
    [{ kind: [{ exists: 'true' }] }, 'exists match pattern must be either true or false.'],
    [{ kind: [{ 'anything-but': null }] }, 'Value of anything-but must be an array or single string/number value.'],
    [
      { kind: [{ 'anything-but': ['a', 1] }] },
      'Inside anything but list, either all values are number or string, mixed type is not supported',
    ],
    [{ kind: [{ 'anything-but': { wildcard: 'a*' } }] }, 'Unsupported anything-but pattern: wildcard'],
    [{ kind: [{ 'anything-but': { 'equals-ignore-case': 'a' } }] }, 'Unsupported anything-but pattern: equals-ignore-case'],
    [{ kind: [{ numeric: '> 1' }] }, 'Value of numeric must be an array.'],
    [{ kind: [{ numeric: [] }] }, 'Invalid member in numeric match: ]'],
    [{ kind: [{ numeric: ['!=', 1] }] }, 'Unrecognized numeric range operator: !='],
    [{ kind: [{ numeric: ['=', 1, '<', 2] }] }, 'Too many elements in numeric expression'],
    [{ kind: [{ numeric: ['<', 1, '>', 0] }] }, 'Too many elements in numeric expression'],
    [{ kind: [{ numeric: ['>', 1, '<', 2, '<', 3] }] }, 'Too many terms in numeric range expression'],
    [{ kind: [{ numeric: ['>', 2, '<=', 2] }] }, 'Bottom must be less than top'],
    [{ kind: [{ numeric: ['=', 1_000_000_001] }] }, 'Value must be between -1.0E9 and 1.0E9, inclusive'],
    [{ kind: [{ cidr: '10.0.0.0/33' }] }, 'IPv4 mask bits must be < 32'],
    [{ $or: [{ kind: ['a'] }] }, 'There must have at least 2 Objects in $or relationship.'],
    [{ $or: { kind: ['a'] } }, 'It must be an Array followed with $or.'],
    [{ $or: [{ kind: ['a'] }, 'b'] }, 'Only JSON object is allowed in array of $or relationship.'],
    [{ $or: [{ prefix: ['a'] }, { kind: ['b'] }] }, 'prefix is Ruler reserved fieldName which cannot be used inside $or.'],
    [{ a: [1], b: [1], c: [1], d: [1], e: [1], f: [1] }, 'Filter policy can not have more than 5 keys'],
    [{ a: Array(13).fill('x'), b: Array(12).fill('x') }, 'Filter policy is too complex'],
  ];
  it.each(refused)('%j: %s', async (policy, reason) => {
    const start = `Invalid parameter: Attributes Reason: FilterPolicy: ${reason}`;
    await expect(subscribe(policy, 'MessageBody')).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: expect.stringMatching(new RegExp(`^${start.replace(/[.*+?^${}()|[\]\\/!]/g, '\\$&')}(\\n at .*)?$`)),
    });
  });

  it('that is nested and meant for attributes, also inside alternatives', async () => {
    const reason = 'Invalid parameter: Attributes Reason: Filter policy scope MessageAttributes does not support nested filter policy';
    await expect(subscribe({ a: { b: ['x'] } })).rejects.toThrow(reason);
    await expect(subscribe({ $or: [{ a: { b: ['x'] } }, { c: ['x'] }] })).rejects.toThrow(reason);
  });

  it('by the depth of its keys and the sum of its alternatives', async () => {
    const texts = (count: number) => Array.from({ length: count }, (_, index) => `v${index}`);
    await expect(subscribe({ a: { b: texts(26) }, c: texts(3) }, 'MessageBody')).rejects.toThrow('too complex');
    await subscribe({ a: { b: texts(25) }, c: texts(3) }, 'MessageBody');
    await expect(subscribe({ a: texts(10), $or: [{ b: texts(8) }, { c: texts(8) }] }, 'MessageBody')).rejects.toThrow('too complex');
  });

  it('of an endpoint that is subscribed with another', async () => {
    const { SubscriptionArn } = await subscribe({ kind: ['a'] });
    expect((await subscribe({ kind: ['a'] })).SubscriptionArn).toBe(SubscriptionArn);
    await expect(subscribe({ kind: ['b'] })).rejects.toThrow('Subscription already exists with different attributes');
  });

  it('and keeps the one it had', async () => {
    const { SubscriptionArn } = await subscribe({ kind: ['a'] });
    const set = (AttributeName: string, AttributeValue: string) =>
      topics.send(new SetSubscriptionAttributesCommand({ SubscriptionArn, AttributeName, AttributeValue }));
    await expect(set('FilterPolicy', '{"kind":[{"like":1}]}')).rejects.toThrow(
      'Invalid parameter: FilterPolicy: Unrecognized match type like',
    );
    await expect(set('FilterPolicyScope', 'Message')).rejects.toThrow('Invalid parameter: FilterPolicyScope');
    const { Attributes } = await topics.send(new GetSubscriptionAttributesCommand({ SubscriptionArn }));
    expect(Attributes).toMatchObject({ FilterPolicy: '{"kind":["a"]}', FilterPolicyScope: 'MessageAttributes' });
  });
});
