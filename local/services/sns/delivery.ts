/** Brings a published message to one subscriber: a queue, a function or a mailbox. */
import { type Principal, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import type { Attribute } from './filter.ts';

export interface Notification {
  readonly messageId: string;
  readonly topicArn: string;
  readonly subject?: string;
  /** By protocol, with `default`; all the same without MessageStructure. */
  readonly message: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, Attribute & { readonly BinaryValue?: Uint8Array }>>;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

export interface Subscriber {
  readonly arn: string;
  readonly protocol: string;
  readonly endpoint: string;
  readonly raw: boolean;
}

/** An e-mail that would have been sent. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly body: string;
  readonly topicArn: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** Three at once, two a second apart, then with growing pauses up to 20 s: the beginning of https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html , without its 23 days */
export const RETRIES: readonly number[] = [0, 0, 0, 1000, 1000, 1000, 2000, 4000, 8000, 16_000, 20_000];

export const textFor = ({ message }: Notification, protocol: string) => message[protocol] ?? message.default ?? '';

/** Nobody here checks signatures. */
const SIGNATURE = Buffer.from('not signed on local AWS').toString('base64');

/** https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html */
export function envelope(notification: Notification, subscriber: Subscriber): Record<string, unknown> {
  const { messageId, topicArn, subject, attributes, time } = notification;
  const region = topicArn.split(':')[3];
  const shown = Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
    name,
    { Type: DataType, Value: BinaryValue === undefined ? StringValue : Buffer.from(BinaryValue).toString('base64') },
  ]);
  return {
    Type: 'Notification',
    MessageId: messageId,
    TopicArn: topicArn,
    ...(subject === undefined ? {} : { Subject: subject }),
    Message: textFor(notification, subscriber.protocol),
    Timestamp: new Date(time).toISOString(),
    SignatureVersion: '1',
    Signature: SIGNATURE,
    SigningCertURL: `https://sns.${region}.amazonaws.com/SimpleNotificationService-local.pem`,
    UnsubscribeURL: `https://sns.${region}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=${subscriber.arn}`,
    ...(shown.length === 0 ? {} : { MessageAttributes: Object.fromEntries(shown) }),
  };
}

/** @throws ServiceError what the subscriber's service answers */
export async function deliver(site: Site, notification: Notification, subscriber: Subscriber): Promise<void> {
  const { endpoint, protocol, raw } = subscriber;
  const [, , , region = site.region, account = site.account, name = ''] = endpoint.split(':');
  const there = site.world.site(account, region);
  const principal: Principal = {
    kind: 'service',
    arn: 'sns.amazonaws.com',
    account: site.account,
    context: { 'aws:SourceArn': notification.topicArn, 'aws:SourceAccount': site.account },
  };
  if (protocol === 'sqs') {
    await there.call(principal, 'sqs', 'SendMessage', {
      QueueUrl: `https://sqs.${region}.amazonaws.com/${account}/${name}`,
      MessageBody: raw ? textFor(notification, protocol) : JSON.stringify(envelope(notification, subscriber)),
      ...(raw && Object.keys(notification.attributes).length > 0 ? { MessageAttributes: notification.attributes } : {}),
    });
    return;
  }
  const { SigningCertURL, UnsubscribeURL, ...rest } = envelope(notification, subscriber);
  const record = {
    EventSource: 'aws:sns',
    EventVersion: '1.0',
    EventSubscriptionArn: subscriber.arn,
    Sns: { Subject: null, MessageAttributes: {}, ...rest, SigningCertUrl: SigningCertURL, UnsubscribeUrl: UnsubscribeURL },
  };
  await there.call(principal, 'lambda', 'Invoke', {
    FunctionName: endpoint,
    InvocationType: 'Event',
    Payload: new TextEncoder().encode(JSON.stringify({ Records: [record] })),
  });
}

/** Whether another try may help; a missing permission or queue fails at once. */
export const isPassing = (error: unknown) =>
  error instanceof ServiceError && (error.status >= 500 || /throttl|toomanyrequests/i.test(error.code));

export const mailOf = (notification: Notification, subscriber: Subscriber): Mail => ({
  to: subscriber.endpoint,
  subject: notification.subject ?? 'AWS Notification Message',
  body: subscriber.protocol === 'email-json' ? JSON.stringify(envelope(notification, subscriber)) : textFor(notification, 'email'),
  topicArn: notification.topicArn,
  time: notification.time,
});
