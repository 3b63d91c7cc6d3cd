import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AccessKey, clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import type { PolicyDocument, Principal } from '../../../local/core/service.ts';
import { World } from '../../../local/core/world.ts';
import { Iam } from '../../../local/services/iam.ts';
import { Sqs } from '../../../local/services/sqs.ts';

const account = '111122223333';
const region = 'eu-central-1';
const QueueUrl = `https://sqs.${region}.amazonaws.com/${account}/work`;

let clock: VirtualClock;
let world: World;
let client: SQSClient;
const site = () => world.site(account, region);
const as = (credentials: AccessKey) => new SQSClient(clientConfig(world, { region, credentials }));
const context = () => ({ site: site(), stackName: 'pipeline', logicalId: 'Queue', generatedName: 'pipeline-Queue-1A2B', asset: () => '' });
const make = (type: string, properties: object) => site().service('sqs').resources[type]!.create(properties, context()) as { ref: string };

beforeEach(() => {
  clock = new VirtualClock(Date.parse('2026-11-23T08:00:00Z'));
  world = new World(clock, { iam: (one) => new Iam(one), sqs: (one) => new Sqs(one) }, 7);
  client = as(site().service('iam').root());
  make('AWS::SQS::Queue', { QueueName: 'work' });
});

const send = (MessageBody: string, rest: object = {}) => client.send(new SendMessageCommand({ QueueUrl, MessageBody, ...rest }));
const receive = async (rest: Partial<ReceiveMessageCommandInput> = {}): Promise<Message[]> =>
  (await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...rest }))).Messages ?? [];
const bodies = (messages: Message[]) => messages.map(({ Body }) => Body);
const seconds = (count: number) => clock.run({ until: clock.now() + count * 1000 });

describe('a queue', () => {
  it('hides a received message until its visibility timeout ends, unless it is deleted', async () => {
    await send('first');
    await send('second');
    const [first, second] = await receive();
    expect(bodies([first!, second!])).toEqual(['first', 'second']);
    expect(await receive()).toEqual([]);
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first!.ReceiptHandle }));
    await seconds(29);
    expect(await receive()).toEqual([]);
    await seconds(1);
    const again = await receive({ MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    expect(bodies(again)).toEqual(['second']);
    expect(again[0]?.Attributes).toEqual({ ApproximateReceiveCount: '2' });
    // The receipt of the first time deletes nothing any more.
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: second!.ReceiptHandle }));
    await seconds(30);
    expect(bodies(await receive())).toEqual(['second']);
  });

  it('changes the visibility of a message in flight, and of no other', async () => {
    await send('slow');
    const [message] = await receive();
    const change = (VisibilityTimeout: number) =>
      client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: message!.ReceiptHandle, VisibilityTimeout }));
    await change(100);
    await seconds(60);
    expect(await receive()).toEqual([]);
    await change(0);
    await expect(change(10)).rejects.toThrow(expect.objectContaining({ name: 'MessageNotInflight' }));
    expect(bodies(await receive())).toEqual(['slow']);
  });

  it('answers a waiting request when a message comes, and at the end of the wait when none does', async () => {
    const started = clock.now();
    const answered: [at: number, bodies: unknown][] = [];
    const wait = () =>
      receive({ WaitTimeSeconds: 20 }).then((messages) => answered.push([(clock.now() - started) / 1000, bodies(messages)]));
    void wait();
    await seconds(5);
    expect(answered).toEqual([]);
    await send('late');
    await clock.settle();
    expect(answered).toEqual([[5, ['late']]]);
    void wait();
    await clock.run();
    expect(answered[1]).toEqual([25, []]);
  });

  it('answers a waiting request when a message becomes visible again', async () => {
    await send('back', { DelaySeconds: 7 });
    let at = 0;
    const started = clock.now();
    void receive({ WaitTimeSeconds: 20 }).then(() => {
      at = clock.now() - started;
    });
    await clock.run();
    expect(at).toBe(7000);
  });

  it('moves what was received too often to the dead-letter queue', async () => {
    make('AWS::SQS::Queue', { QueueName: 'dead' });
    make('AWS::SQS::Queue', {
      QueueName: 'strict',
      VisibilityTimeout: 10,
      RedrivePolicy: { deadLetterTargetArn: `arn:aws:sqs:${region}:${account}:dead`, maxReceiveCount: 2 },
    });
    const strict = { QueueUrl: QueueUrl.replace('work', 'strict') };
    await client.send(new SendMessageCommand({ ...strict, MessageBody: 'poison' }));
    expect(bodies(await receive(strict))).toEqual(['poison']);
    await seconds(10);
    expect(bodies(await receive(strict))).toEqual(['poison']);
    await seconds(10);
    expect(await receive(strict)).toEqual([]);
    const [dead] = await receive({ QueueUrl: QueueUrl.replace('work', 'dead'), MessageSystemAttributeNames: ['All'] });
    expect(dead?.Body).toBe('poison');
    expect(dead?.Attributes?.DeadLetterQueueSourceArn).toBe(`arn:aws:sqs:${region}:${account}:strict`);
  });

  it('counts its messages, keeps them four days, and can be emptied once a minute', async () => {
    for (const body of ['a', 'b', 'c']) await send(body);
    await send('later', { DelaySeconds: 60 });
    await receive({ MaxNumberOfMessages: 1 });
    const counts = async () => {
      const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
      return [
        Attributes?.ApproximateNumberOfMessages,
        Attributes?.ApproximateNumberOfMessagesNotVisible,
        Attributes?.ApproximateNumberOfMessagesDelayed,
      ];
    };
    expect(await counts()).toEqual(['2', '1', '1']);
    await client.send(new PurgeQueueCommand({ QueueUrl }));
    expect(await counts()).toEqual(['0', '0', '0']);
    await expect(client.send(new PurgeQueueCommand({ QueueUrl }))).rejects.toThrow(/Only one PurgeQueue operation on work/);
    await send('old');
    await seconds(4 * 24 * 3600 + 1);
    expect(await counts()).toEqual(['0', '0', '0']);
  });

  it('carries attributes, and returns those that are asked for by name or prefix', async () => {
    await send('body', {
      MessageAttributes: {
        text: { DataType: 'String', StringValue: 'ä' },
        number: { DataType: 'Number', StringValue: '4' },
        bytes: { DataType: 'Binary', BinaryValue: Uint8Array.of(1, 2) },
      },
    });
    const [message] = await receive({ MessageAttributeNames: ['text', 'by.*'] });
    expect(Object.keys(message?.MessageAttributes ?? {})).toEqual(['text', 'bytes']);
    await seconds(30);
    const [whole] = await receive({ MessageAttributeNames: ['All'] });
    expect(whole?.MessageAttributes?.bytes?.BinaryValue).toEqual(Uint8Array.of(1, 2));
  });

  it('takes batches, of which each entry succeeds or fails by itself', async () => {
    await client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { MaximumMessageSize: '1024' } }));
    const { Successful, Failed } = await client.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: '1', MessageBody: 'good' },
          { Id: '2', MessageBody: 'x'.repeat(1025) },
        ],
      }),
    );
    expect(Successful?.map(({ Id }) => Id)).toEqual(['1']);
    expect(Failed).toMatchObject([{ Id: '2', SenderFault: true, Code: 'InvalidParameterValue' }]);
    const messages = await receive();
    const { Failed: undeleted } = await client.send(
      new DeleteMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'a', ReceiptHandle: messages[0]!.ReceiptHandle },
          { Id: 'b', ReceiptHandle: 'nonsense' },
        ],
      }),
    );
    expect(undeleted).toMatchObject([{ Id: 'b', Code: 'ReceiptHandleIsInvalid' }]);
    await seconds(60);
    expect(await receive()).toEqual([]);
  });

  it('is found by name, made once, and unknown by the right error', async () => {
    expect((await client.send(new GetQueueUrlCommand({ QueueName: 'work' }))).QueueUrl).toBe(QueueUrl);
    expect((await client.send(new CreateQueueCommand({ QueueName: 'work' }))).QueueUrl).toBe(QueueUrl);
    await expect(client.send(new CreateQueueCommand({ QueueName: 'work', Attributes: { DelaySeconds: '5' } }))).rejects.toThrow(
      expect.objectContaining({ name: 'QueueNameExists' }),
    );
    await expect(client.send(new GetQueueUrlCommand({ QueueName: 'other' }))).rejects.toThrow(
      expect.objectContaining({ name: 'QueueDoesNotExist', message: 'The specified queue does not exist.' }),
    );
  });
});

describe('IAM on SQS', () => {
  const policy = (Statement: PolicyDocument['Statement']): PolicyDocument => ({ Version: '2012-10-17', Statement });

  it('asks the sender for SendMessage on the queue', async () => {
    const arn = `arn:aws:sqs:${region}:${account}:work`;
    const user = site()
      .service('iam')
      .user('sender', { send: policy([{ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: arn }]) });
    await as(user).send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
    await expect(as(user).send(new ReceiveMessageCommand({ QueueUrl }))).rejects.toThrow(
      `not authorized to perform: sqs:ReceiveMessage on resource: ${arn}`,
    );
  });

  it("lets a service in by the queue's policy only, under its conditions", async () => {
    const service = (rule: string): Principal => ({
      kind: 'service',
      arn: 'events.amazonaws.com',
      account,
      context: { 'aws:SourceArn': `arn:aws:events:${region}:${account}:rule/${rule}` },
    });
    const sendAs = (rule: string) => site().call(service(rule), 'sqs', 'SendMessage', { QueueUrl, MessageBody: rule });
    await expect(sendAs('pushes')).rejects.toThrow(/because no resource-based policy allows/);
    make('AWS::SQS::QueuePolicy', {
      Queues: [QueueUrl],
      PolicyDocument: policy([
        {
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: `arn:aws:sqs:${region}:${account}:work`,
          Condition: { ArnEquals: { 'aws:SourceArn': `arn:aws:events:${region}:${account}:rule/pushes` } },
        },
      ]),
    });
    await sendAs('pushes');
    await expect(sendAs('other')).rejects.toThrow(/because no resource-based policy allows/);
    expect(site().service('sqs').queue('work').bodies).toEqual(['pushes']);
  });
});
