import { CloudWatchClient, DescribeAlarmsCommand, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  type QueueAttributeName,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SendMessageCommandInput,
  SetQueueAttributesCommand,
  SQSClient,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from 'vitest';
import { clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { World } from '../../../local/core/world.ts';
import { Iam } from '../../../local/services/iam.ts';
import { factories } from '../../../local/services/index.ts';
import { Sqs } from '../../../local/services/sqs.ts';

const account = '111122223333';
const other = '444455556666';
const region = 'eu-central-1';
const urlOf = (name: string) => `https://sqs.${region}.amazonaws.com/${account}/${name}`;
const arnOf = (name: string) => `arn:aws:sqs:${region}:${account}:${name}`;

let clock: VirtualClock;
let world: World;
let client: SQSClient;
const rootOf = (of: string) => new SQSClient(clientConfig(world, { region, credentials: world.site(of, region).service('iam').root() }));

beforeEach(() => {
  clock = new VirtualClock(Date.parse('2026-11-23T08:00:00Z'));
  world = new World(clock, { iam: (one) => new Iam(one), sqs: (one) => new Sqs(one) }, 7);
  client = rootOf(account);
});

const create = (QueueName: string, Attributes: Record<string, string> = {}) =>
  client.send(
    new CreateQueueCommand({ QueueName, Attributes: QueueName.endsWith('.fifo') ? { FifoQueue: 'true', ...Attributes } : Attributes }),
  );
const send = (MessageBody: string, MessageGroupId: string, more: Partial<SendMessageCommandInput> = {}) =>
  client.send(new SendMessageCommand({ QueueUrl: urlOf('q.fifo'), MessageBody, MessageGroupId, ...more }));
const receive = async (more: Partial<ReceiveMessageCommandInput> = {}) =>
  (await client.send(new ReceiveMessageCommand({ QueueUrl: urlOf('q.fifo'), MaxNumberOfMessages: 10, ...more }))).Messages ?? [];
const bodies = async (more: Partial<ReceiveMessageCommandInput> = {}) => (await receive(more)).map(({ Body }) => Body);
const remove = (ReceiptHandle: string | undefined) => client.send(new DeleteMessageCommand({ QueueUrl: urlOf('q.fifo'), ReceiptHandle }));
const seconds = (count: number) => clock.run({ until: clock.now() + count * 1000 });
const attributes = async (name: string, ...names: QueueAttributeName[]) =>
  (await client.send(new GetQueueAttributesCommand({ QueueUrl: urlOf(name), AttributeNames: names }))).Attributes;

describe('a FIFO queue', () => {
  it('keeps the order of each group and holds a group back while one of it is in flight', async () => {
    await create('q.fifo', { ContentBasedDeduplication: 'true' });
    for (const [body, group] of [
      ['a1', 'a'],
      ['b1', 'b'],
      ['a2', 'a'],
      ['b2', 'b'],
    ] as const)
      await send(body, group);
    const [first] = await receive({ MaxNumberOfMessages: 1 });
    expect(first?.Body).toBe('a1');
    expect(await bodies()).toEqual(['b1', 'b2']);
    expect(await bodies()).toEqual([]);
    await remove(first?.ReceiptHandle);
    expect(await bodies()).toEqual(['a2']);
  });

  it('answers a request that waits, as soon as the one before is deleted', async () => {
    await create('q.fifo', { ContentBasedDeduplication: 'true' });
    await send('1', 'a');
    const [first] = await receive();
    await send('2', 'a');
    const waiting = bodies({ WaitTimeSeconds: 20 });
    await remove(first?.ReceiptHandle);
    expect(await waiting).toEqual(['2']);
  });

  it('gives what became visible again before what came later', async () => {
    await create('q.fifo', { ContentBasedDeduplication: 'true', VisibilityTimeout: '10' });
    for (const body of ['1', '2', '3']) await send(body, 'a');
    const messages = await receive();
    await client.send(
      new ChangeMessageVisibilityCommand({ QueueUrl: urlOf('q.fifo'), ReceiptHandle: messages[1]!.ReceiptHandle, VisibilityTimeout: 60 }),
    );
    await seconds(10);
    expect(await bodies()).toEqual(['1']);
  });

  it('takes a message once in five minutes, by its id or its content', async () => {
    await create('q.fifo', { ContentBasedDeduplication: 'true' });
    const one = await send('same', 'a');
    const two = await send('same', 'b');
    expect([two.MessageId, two.SequenceNumber]).toEqual([one.MessageId, one.SequenceNumber]);
    await send('other', 'a', { MessageDeduplicationId: 'id' });
    await send('another', 'a', { MessageDeduplicationId: 'id' });
    const messages = await receive({ MessageSystemAttributeNames: ['All'] });
    expect(messages.map(({ Body }) => Body)).toEqual(['same', 'other']);
    expect(messages[1]?.Attributes).toMatchObject({ MessageGroupId: 'a', MessageDeduplicationId: 'id', SequenceNumber: /^\d{20}$/ });
    for (const { ReceiptHandle } of messages) await remove(ReceiptHandle);
    await seconds(299);
    await send('same', 'a');
    expect(await bodies()).toEqual([]);
    await seconds(1);
    await send('same', 'a');
    expect(await bodies()).toEqual(['same']);
  });

  it('tells groups apart by its scope, a minute after that has changed', async () => {
    await create('q.fifo', { DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' });
    const each = async (id: string) => {
      for (const group of ['a', 'b']) await send(group, group, { MessageDeduplicationId: id });
      const messages = await receive();
      for (const { ReceiptHandle } of messages) await remove(ReceiptHandle);
      return messages.map(({ Body }) => Body);
    };
    expect(await each('1')).toEqual(['a', 'b']);
    const Attributes = { DeduplicationScope: 'queue', FifoThroughputLimit: 'perQueue' };
    await client.send(new SetQueueAttributesCommand({ QueueUrl: urlOf('q.fifo'), Attributes }));
    expect(await each('2')).toEqual(['a', 'b']);
    await seconds(60);
    expect(await each('3')).toEqual(['a']);
  });

  it('does not delete what has come back', async () => {
    await create('q.fifo', { ContentBasedDeduplication: 'true', VisibilityTimeout: '1' });
    await send('1', 'a');
    const [message] = await receive();
    await seconds(1);
    await expect(remove(message?.ReceiptHandle)).rejects.toThrow(
      `Value ${message?.ReceiptHandle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.`,
    );
  });

  it('delays all of its messages alike', async () => {
    await create('q.fifo', { ContentBasedDeduplication: 'true', DelaySeconds: '5' });
    await send('1', 'a', { DelaySeconds: 0 });
    await expect(send('2', 'a', { DelaySeconds: 1 })).rejects.toThrow('parameter that is not valid for this queue type.');
    expect(await bodies()).toEqual([]);
    await seconds(5);
    expect(await bodies()).toEqual(['1']);
  });

  const refused: [what: string, more: Partial<SendMessageCommandInput>, name: string, message: string][] = [
    ['no group', { MessageGroupId: undefined }, 'MissingParameter', 'The request must contain the parameter MessageGroupId.'],
    [
      'no id',
      {},
      'InvalidParameterValue',
      'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
    ],
    [
      'an id with a space',
      { MessageDeduplicationId: 'a b' },
      'InvalidParameterValue',
      'Value a b for parameter MessageDeduplicationId is invalid. Reason: MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length.',
    ],
    [
      'an id that is too long',
      { MessageDeduplicationId: 'x'.repeat(129) },
      'InvalidParameterValue',
      `Value ${'x'.repeat(129)} for parameter MessageDeduplicationId is invalid. Reason: MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
    ],
    [
      'an empty group',
      { MessageGroupId: '', MessageDeduplicationId: 'a' },
      'InvalidParameterValue',
      'Value  for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.',
    ],
  ];
  it.each(refused)('refuses a message with %s', async (_, more, name, message) => {
    await create('q.fifo');
    await expect(send('x', 'a', more)).rejects.toMatchObject({ name, message });
  });

  it('refuses a whole batch for one entry without an id', async () => {
    await create('q.fifo');
    const Entries = [
      { Id: '1', MessageBody: 'a', MessageGroupId: 'g', MessageDeduplicationId: '1' },
      { Id: '2', MessageBody: 'b', MessageGroupId: 'g' },
    ];
    await expect(client.send(new SendMessageBatchCommand({ QueueUrl: urlOf('q.fifo'), Entries }))).rejects.toMatchObject({
      name: 'InvalidParameterValue',
    });
    expect(await bodies()).toEqual([]);
  });

  it('needs its ending, and a dead-letter queue of its own kind', async () => {
    const attempt = (name: string, more: Record<string, string>) =>
      expect(client.send(new CreateQueueCommand({ QueueName: name, Attributes: more }))).rejects;
    await attempt('plain', { FifoQueue: 'true' }).toThrow('must end with .fifo suffix');
    await attempt('q.fifo', {}).toThrow('Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length');
    await create('dead');
    const redrive = (name: string) => JSON.stringify({ deadLetterTargetArn: arnOf(name), maxReceiveCount: 1 });
    await attempt('q.fifo', { FifoQueue: 'true', RedrivePolicy: redrive('dead') }).toThrow(
      'Dead-letter queue must be same type of queue as the source.',
    );
    await attempt('q.fifo', { FifoQueue: 'true', RedrivePolicy: redrive('none.fifo') }).toThrow('Dead letter target does not exist.');
    await create('source', { RedrivePolicy: redrive('dead') });
    const { queueUrls } = await client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: urlOf('dead') }));
    expect(queueUrls).toEqual([urlOf('source')]);
  });
});

describe('attributes of queues', () => {
  const refused: [name: string, settings: Record<string, string>, error: string, message: string][] = [
    ['q', { DelaySeconds: '901' }, 'InvalidAttributeValue', 'Invalid value for the parameter DelaySeconds.'],
    ['q', { MessageRetentionPeriod: '59' }, 'InvalidAttributeValue', 'Invalid value for the parameter MessageRetentionPeriod.'],
    ['q', { MaximumMessageSize: '1023' }, 'InvalidAttributeValue', 'Invalid value for the parameter MaximumMessageSize.'],
    [
      'q',
      { ReceiveMessageWaitTimeSeconds: '21' },
      'InvalidAttributeValue',
      'Invalid value for the parameter ReceiveMessageWaitTimeSeconds.',
    ],
    ['q', { VisibilityTimeout: '-1' }, 'InvalidAttributeValue', 'Invalid value for the parameter VisibilityTimeout.'],
    ['q', { Invented: '1' }, 'InvalidAttributeName', 'Unknown Attribute Invented.'],
    ['q', { ContentBasedDeduplication: 'true' }, 'InvalidAttributeName', 'Unknown Attribute ContentBasedDeduplication.'],
    [
      'q',
      { DeduplicationScope: 'queue' },
      'InvalidAttributeName',
      'You can specify the DeduplicationScope only when FifoQueue is set to true.',
    ],
    [
      'q.fifo',
      { FifoQueue: 'true', DeduplicationScope: 'all' },
      'InvalidAttributeValue',
      'Invalid value for the parameter DeduplicationScope.',
    ],
    [
      'q',
      { RedrivePolicy: '{"deadLetterTargetArn":"a"}' },
      'InvalidParameterValue',
      'Value {"deadLetterTargetArn":"a"} for parameter RedrivePolicy is invalid. Reason: Redrive policy does not contain mandatory attribute: maxReceiveCount.',
    ],
  ];
  it.each(refused)('of %s refuse %j', async (QueueName, Attributes, name, message) => {
    await expect(client.send(new CreateQueueCommand({ QueueName, Attributes }))).rejects.toMatchObject({ name, message });
  });

  it('show one kind of encryption', async () => {
    await create('q');
    const set = (Attributes: Record<string, string>) => client.send(new SetQueueAttributesCommand({ QueueUrl: urlOf('q'), Attributes }));
    const names = ['KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds', 'SqsManagedSseEnabled'] as const;
    expect(await attributes('q', ...names)).toEqual({ SqsManagedSseEnabled: 'true' });
    await set({ KmsMasterKeyId: 'key', KmsDataKeyReusePeriodSeconds: '600' });
    expect(await attributes('q', ...names)).toEqual({
      KmsMasterKeyId: 'key',
      KmsDataKeyReusePeriodSeconds: '600',
      SqsManagedSseEnabled: 'false',
    });
    await set({ SqsManagedSseEnabled: 'true' });
    expect(await attributes('q', ...names)).toEqual({ SqsManagedSseEnabled: 'true' });
    await expect(set({ KmsMasterKeyId: 'key', SqsManagedSseEnabled: 'true' })).rejects.toThrow('one type of server-side encryption');
    await expect(attributes('q', 'Invented' as never)).rejects.toThrow('Unknown Attribute Invented.');
  });

  it('of what they are cannot change', async () => {
    await create('q');
    await create('q.fifo');
    const set = (name: string, FifoQueue: string) =>
      client.send(new SetQueueAttributesCommand({ QueueUrl: urlOf(name), Attributes: { FifoQueue } }));
    await set('q.fifo', 'true');
    await expect(set('q.fifo', 'false')).rejects.toThrow(
      'Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.',
    );
    await expect(set('q', 'true')).rejects.toThrow('Unknown Attribute FifoQueue.');
  });
});

describe('a standard queue', () => {
  it('takes a group, but no deduplication id, and delays up to 900 seconds', async () => {
    await create('q');
    const to = (more: Partial<SendMessageCommandInput>) =>
      client.send(new SendMessageCommand({ QueueUrl: urlOf('q'), MessageBody: 'x', ...more }));
    await to({ MessageGroupId: 'tenant' });
    await expect(to({ MessageDeduplicationId: '1' })).rejects.toThrow('not valid for this queue type');
    await expect(to({ DelaySeconds: 901 })).rejects.toThrow(
      'Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.',
    );
    await expect(to({ MessageBody: '' })).rejects.toMatchObject({ name: 'MissingParameter' });
    const attributed = (value: object) => to({ MessageAttributes: { a: { DataType: 'String', ...value } } });
    await expect(attributed({ DataType: 'Text', StringValue: 'a' })).rejects.toThrow('supported type prefixes: Binary, Number, String.');
    await expect(attributed({ StringValue: '' })).rejects.toThrow("must contain a non-empty value of type 'String'");
    await expect(attributed({ DataType: 'Number', StringValue: 'one' })).rejects.toThrow(
      "Can't cast the value of message (user) attribute 'a' to a number.",
    );
  });

  it('checks the ids of a batch', async () => {
    await create('q');
    const batch = (...ids: string[]) =>
      client.send(new SendMessageBatchCommand({ QueueUrl: urlOf('q'), Entries: ids.map((Id) => ({ Id, MessageBody: 'x' })) }));
    await expect(batch('a:b')).rejects.toThrow('A batch entry id can only contain alphanumeric characters, hyphens and underscores.');
    await expect(batch('')).rejects.toThrow('It can be at most 80 letters long.');
    await expect(batch('a', 'a')).rejects.toMatchObject({ name: 'BatchEntryIdsNotDistinct' });
  });

  it('without a policy is closed to other accounts, whatever those allow themselves', async () => {
    await create('q');
    const stranger = rootOf(other);
    const attempt = () => stranger.send(new SendMessageCommand({ QueueUrl: urlOf('q'), MessageBody: 'x' }));
    await expect(attempt()).rejects.toMatchObject({
      message: expect.stringContaining('no resource-based policy allows the sqs:SendMessage action'),
    });
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: other }, Action: 'sqs:SendMessage', Resource: arnOf('q') }],
    });
    await client.send(new SetQueueAttributesCommand({ QueueUrl: urlOf('q'), Attributes: { Policy } }));
    await attempt();
  });

  it('has tags, and is listed by page', async () => {
    for (const name of ['a-1', 'a-2', 'b-1']) await create(name);
    await client.send(new TagQueueCommand({ QueueUrl: urlOf('a-1'), Tags: { team: 'x', cost: '1' } }));
    await client.send(new UntagQueueCommand({ QueueUrl: urlOf('a-1'), TagKeys: ['cost'] }));
    expect((await client.send(new ListQueueTagsCommand({ QueueUrl: urlOf('a-1') }))).Tags).toEqual({ team: 'x' });
    const first = await client.send(new ListQueuesCommand({ QueueNamePrefix: 'a', MaxResults: 1 }));
    const second = await client.send(new ListQueuesCommand({ QueueNamePrefix: 'a', MaxResults: 1, NextToken: first.NextToken }));
    expect([...first.QueueUrls!, ...second.QueueUrls!, second.NextToken]).toEqual([urlOf('a-1'), urlOf('a-2'), undefined]);
  });
});

it('an alarm goes off while messages wait in a queue, and ends when they are gone', async () => {
  const all = new World(clock, factories, 7);
  const config = clientConfig(all, { region, credentials: all.site(account, region).service('iam').root() });
  const [queues, metrics] = [new SQSClient(config), new CloudWatchClient(config)];
  await queues.send(new CreateQueueCommand({ QueueName: 'unhandled' }));
  await metrics.send(
    new PutMetricAlarmCommand({
      AlarmName: 'not-empty',
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [{ Name: 'QueueName', Value: 'unhandled' }],
      Statistic: 'Maximum',
      Period: 300,
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
    }),
  );
  const state = async () => (await metrics.send(new DescribeAlarmsCommand({}))).MetricAlarms![0]!.StateValue;
  await queues.send(new SendMessageCommand({ QueueUrl: urlOf('unhandled'), MessageBody: 'lost' }));
  await seconds(600);
  expect(await state()).toBe('ALARM');
  const { Messages } = await queues.send(new ReceiveMessageCommand({ QueueUrl: urlOf('unhandled') }));
  await queues.send(new DeleteMessageCommand({ QueueUrl: urlOf('unhandled'), ReceiptHandle: Messages![0]!.ReceiptHandle }));
  await seconds(900);
  expect(await state()).toBe('OK');
});
