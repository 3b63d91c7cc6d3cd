import {
  ConfirmSubscriptionCommand,
  CreateTopicCommand,
  GetSubscriptionAttributesCommand,
  ListSubscriptionsByTopicCommand,
  PublishCommand,
  type PublishCommandInput,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AccessKey, clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import type { PolicyDocument } from '../../../local/core/service.ts';
import { World } from '../../../local/core/world.ts';
import { Iam } from '../../../local/services/iam.ts';
import { Sns } from '../../../local/services/sns.ts';
import { Sqs } from '../../../local/services/sqs.ts';
import { Double } from './double.ts';

const account = '111122223333';
const region = 'eu-central-1';
const TopicArn = `arn:aws:sns:${region}:${account}:news`;
const queueArn = (name: string) => `arn:aws:sqs:${region}:${account}:${name}`;

let clock: VirtualClock;
let world: World;
let client: SNSClient;
let lambda: Double;
const site = () => world.site(account, region);
const as = (credentials: AccessKey) => new SNSClient(clientConfig(world, { region, credentials }));
const make = (service: 'sns' | 'sqs', type: string, properties: object) =>
  site()
    .service(service)
    .resources[type]!.create(properties, {
      site: site(),
      stackName: 'pipeline',
      logicalId: 'A',
      generatedName: 'pipeline-A-1',
      asset: () => '',
    }) as {
    ref: string;
  };
const fromSns: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'sns.amazonaws.com' },
      Action: ['sqs:SendMessage', 'lambda:InvokeFunction'],
      Resource: '*',
      Condition: { ArnEquals: { 'aws:SourceArn': TopicArn } },
    },
  ],
};

function queue(name: string, policy = true) {
  const { ref } = make('sqs', 'AWS::SQS::Queue', { QueueName: name });
  if (policy) make('sqs', 'AWS::SQS::QueuePolicy', { Queues: [ref], PolicyDocument: fromSns });
  return { bodies: () => site().service('sqs').queue(name).bodies };
}

beforeEach(() => {
  clock = new VirtualClock(Date.parse('2026-11-23T08:00:00Z'));
  lambda = new Double({ Invoke: () => ({ StatusCode: 202 }) }, (_, input: { FunctionName: string }) => ({
    action: 'lambda:InvokeFunction',
    resource: input.FunctionName,
    resourcePolicy: fromSns,
  }));
  world = new World(clock, { iam: (one) => new Iam(one), sns: (one) => new Sns(one), sqs: (one) => new Sqs(one), lambda: () => lambda }, 7);
  client = as(site().service('iam').root());
  make('sns', 'AWS::SNS::Topic', { TopicName: 'news' });
});

const publish = async (input: Partial<PublishCommandInput>) => {
  const answer = await client.send(new PublishCommand({ TopicArn, Message: 'hello', ...input }));
  await clock.run();
  return answer;
};
const subscribe = (Protocol: string, Endpoint: string, Attributes?: Record<string, string>) =>
  client.send(new SubscribeCommand({ TopicArn, Protocol, Endpoint, Attributes }));

describe('a topic', () => {
  it("sends to a queue in AWS's envelope, or raw with its attributes", async () => {
    const [wrapped, raw] = [queue('wrapped'), queue('raw')];
    await subscribe('sqs', queueArn('wrapped'));
    await subscribe('sqs', queueArn('raw'), { RawMessageDelivery: 'true' });
    const { MessageId } = await publish({ Subject: 'Hi', MessageAttributes: { kind: { DataType: 'String', StringValue: 'release' } } });
    expect(JSON.parse(wrapped.bodies()[0]!)).toMatchObject({
      Type: 'Notification',
      MessageId,
      TopicArn,
      Subject: 'Hi',
      Message: 'hello',
      Timestamp: '2026-11-23T08:00:00.000Z',
      SignatureVersion: '1',
      MessageAttributes: { kind: { Type: 'String', Value: 'release' } },
    });
    expect(raw.bodies()).toEqual(['hello']);
  });

  it('invokes a function with an event', async () => {
    const endpoint = `arn:aws:lambda:${region}:${account}:function:notify`;
    await subscribe('lambda', endpoint);
    await publish({});
    expect(lambda.calls).toHaveLength(1);
    expect(lambda.calls[0]?.input).toMatchObject({ FunctionName: endpoint, InvocationType: 'Event' });
    const event = JSON.parse(new TextDecoder().decode(lambda.calls[0]?.input.Payload));
    expect(event.Records[0]).toMatchObject({
      EventSource: 'aws:sns',
      Sns: { Message: 'hello', Subject: null, TopicArn, MessageAttributes: {} },
    });
  });

  it('sends mail to an address that has confirmed, and to no other', async () => {
    const { outbox } = site().service('sns');
    const { SubscriptionArn } = await subscribe('email', 'release-manager@example.com');
    expect(SubscriptionArn).toBe('pending confirmation');
    await publish({});
    expect(outbox).toHaveLength(1);
    const Token = /token (\S+)$/.exec(outbox[0]!.body)?.[1];
    await client.send(new ConfirmSubscriptionCommand({ TopicArn, Token }));
    await publish({ Subject: 'Approval needed', Message: 'orders waits for live' });
    expect(outbox.slice(1)).toEqual([
      {
        to: 'release-manager@example.com',
        subject: 'Approval needed',
        body: 'orders waits for live',
        topicArn: TopicArn,
        time: expect.any(Number),
      },
    ]);
  });

  it('gives each protocol its own text with MessageStructure', async () => {
    const plain = queue('plain');
    await subscribe('sqs', queueArn('plain'), { RawMessageDelivery: 'true' });
    await publish({ MessageStructure: 'json', Message: JSON.stringify({ default: 'for all', sqs: 'for queues' }) });
    expect(plain.bodies()).toEqual(['for queues']);
    await expect(publish({ MessageStructure: 'json', Message: '{"sqs":"x"}' })).rejects.toThrow(
      expect.objectContaining({
        name: 'InvalidParameterException',
        message: 'Invalid parameter: Message Structure - No default entry in JSON message body',
      }),
    );
  });

  it('tries again what may pass, gives up what may not, and then uses the dead-letter queue', async () => {
    const [slow, dead] = [queue('slow'), queue('dead')];
    queue('closed', false);
    await subscribe('sqs', queueArn('slow'), { RawMessageDelivery: 'true' });
    await subscribe('sqs', queueArn('closed'), {
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: queueArn('dead') }),
      RawMessageDelivery: 'true',
    });
    world.faults.add({ kind: 'error-500', match: (call) => call.operation === 'SendMessage' && call.index < 6, times: 2 });
    await publish({});
    expect(slow.bodies()).toEqual(['hello']);
    expect(dead.bodies()).toEqual(['hello']);
    expect(site().service('sns').failures).toMatchObject([
      { error: expect.stringContaining('AccessDenied'), deadLetterQueue: queueArn('dead') },
    ]);
  });

  it('lists its subscriptions, keeps one for each endpoint, and refuses protocols it does not have', async () => {
    const first = await subscribe('sqs', queueArn('a'));
    const second = await subscribe('sqs', queueArn('a'));
    expect(second.SubscriptionArn).toBe(first.SubscriptionArn);
    await subscribe('email', 'a@example.com');
    const { Subscriptions } = await client.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
    expect(Subscriptions?.map(({ SubscriptionArn }) => SubscriptionArn)).toEqual([first.SubscriptionArn, 'PendingConfirmation']);
    const { Attributes } = await client.send(new GetSubscriptionAttributesCommand({ SubscriptionArn: first.SubscriptionArn }));
    expect(Attributes).toMatchObject({ Protocol: 'sqs', RawMessageDelivery: 'false', PendingConfirmation: 'false' });
    await expect(subscribe('https', 'https://example.com')).rejects.toThrow(/not to https/);
  });

  it('that does not exist is not found', async () => {
    await expect(client.send(new PublishCommand({ TopicArn: `${TopicArn}2`, Message: 'x' }))).rejects.toThrow(
      expect.objectContaining({ name: 'NotFoundException', message: 'Topic does not exist' }),
    );
    expect((await client.send(new CreateTopicCommand({ Name: 'news' }))).TopicArn).toBe(TopicArn);
  });
});

describe('a topic by CloudFormation', () => {
  it('has subscriptions and a policy of its own', async () => {
    const own = queue('own');
    make('sns', 'AWS::SNS::Subscription', {
      TopicArn,
      Protocol: 'sqs',
      Endpoint: queueArn('own'),
      RawMessageDelivery: true,
      FilterPolicy: { kind: ['release'] },
    });
    const events = { kind: 'service', arn: 'events.amazonaws.com', account } as const;
    const send = () =>
      site().call(events, 'sns', 'Publish', {
        TopicArn,
        Message: 'from a rule',
        MessageAttributes: { kind: { DataType: 'String', StringValue: 'release' } },
      });
    await expect(send()).rejects.toThrow(/no resource-based policy allows the sns:Publish action/);
    make('sns', 'AWS::SNS::TopicPolicy', {
      Topics: [TopicArn],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sns:Publish', Resource: TopicArn }],
      },
    });
    await send();
    await clock.run();
    expect(own.bodies()).toEqual(['from a rule']);
  });
});
