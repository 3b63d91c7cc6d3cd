/** Amazon SNS: topics that notify queues, functions and mailboxes, with filters, dead letters and topic policies. */
import type * as Api from '@aws-sdk/client-sns';
import { bound } from '../core/bound.ts';
import {
  type CreatedResource,
  type Operation,
  type Permission,
  type PolicyDocument,
  type ResourceType,
  type Service,
  ServiceError,
} from '../core/service.ts';
import type { Site } from '../core/site.ts';
import { deliver, isPassing, type Mail, mailOf, type Notification, RETRIES } from './sns/delivery.ts';
import { type FilterPolicy, parseFilterPolicy, passes, type Scope } from './sns/filter.ts';

declare module '../core/site.ts' {
  interface Services {
    sns: Sns;
  }
}

export type { Mail };

interface Topic {
  readonly arn: string;
  readonly name: string;
  displayName: string;
  policy: PolicyDocument;
  tags: Record<string, string>;
  readonly subscriptions: Map<string, Subscription>;
}

interface Subscription {
  readonly arn: string;
  readonly topicArn: string;
  readonly protocol: string;
  readonly endpoint: string;
  /** What the confirmation asks for; undefined once it is confirmed. */
  token: string | undefined;
  raw: boolean;
  scope: Scope;
  filter: FilterPolicy | undefined;
  redrive: string | undefined;
}

/** A notification that reached nobody. */
export interface FailedDelivery {
  readonly subscriptionArn: string;
  readonly messageId: string;
  readonly error: string;
  readonly deadLetterQueue?: string;
}

interface TopicProperties {
  readonly TopicName?: string;
  readonly DisplayName?: string;
  readonly FifoTopic?: boolean;
  readonly Subscription?: readonly { readonly Endpoint: string; readonly Protocol: string }[];
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
}

interface SubscriptionProperties {
  readonly TopicArn: string;
  readonly Endpoint?: string;
  readonly Protocol: string;
  readonly RawMessageDelivery?: boolean | string;
  readonly FilterPolicy?: object;
  readonly FilterPolicyScope?: string;
  readonly RedrivePolicy?: object;
}

const PROTOCOLS: ReadonlySet<string> = new Set(['sqs', 'lambda', 'email', 'email-json']);
const LARGEST = 256 * 1024;

const invalid = (detail: string) => new ServiceError('InvalidParameterException', `Invalid parameter: ${detail}`);
const missing = (what: string) => new ServiceError('NotFoundException', `${what} does not exist`, 404);

export class Sns implements Service {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly resources: Readonly<Record<string, ResourceType>>;
  /** The e-mails that would have been sent, oldest first. */
  readonly outbox: Mail[] = [];
  /** Notifications that were given up. */
  readonly failures: FailedDelivery[] = [];
  private readonly site: Site;
  private readonly topics = new Map<string, Topic>();

  constructor(site: Site) {
    this.site = site;
    this.operations = { ...this.topicOperations(), ...this.subscriptionOperations(), ...this.publishOperations() };
    this.resources = {
      'AWS::SNS::Topic': this.topicType(),
      'AWS::SNS::Subscription': this.subscriptionType(),
      'AWS::SNS::TopicPolicy': this.policyType(),
    };
  }

  /** Answers every confirmation e-mail to this address, as its owner would by a click. */
  confirm(address: string): void {
    for (const topic of this.topics.values())
      for (const subscription of topic.subscriptions.values()) if (subscription.endpoint === address) subscription.token = undefined;
  }

  private topic(arn: string | undefined): Topic {
    const topic = this.topics.get(arn ?? '');
    if (topic === undefined) throw missing('Topic');
    return topic;
  }

  private subscription(arn: string | undefined): Subscription {
    for (const topic of this.topics.values()) {
      const found = topic.subscriptions.get(arn ?? '');
      if (found !== undefined) return found;
    }
    throw missing('Subscription');
  }

  // ---- what IAM must allow

  private onTopic(action: string) {
    return (input: { TopicArn?: string; TargetArn?: string }): Permission[] => [this.permission(action, input.TopicArn ?? input.TargetArn)];
  }

  private permission(action: string, arn: string | undefined, context: Permission['context'] = {}): Permission {
    const [, , , region = this.site.region, account = this.site.account] = (arn ?? '').split(':');
    const home = arn?.startsWith('arn:') === true ? this.site.world.site(account, region).service('sns') : this;
    const policy = home.topics.get(arn ?? '')?.policy;
    return { action: `sns:${action}`, resource: arn ?? '*', context, ...(policy === undefined ? {} : { resourcePolicy: policy }) };
  }

  private onSubscription(action: string) {
    return (input: { SubscriptionArn?: string }): Permission[] => [
      this.permission(action, (input.SubscriptionArn ?? '').split(':').slice(0, 6).join(':')),
    ];
  }

  // ---- topics

  private topicOperations(): Readonly<Record<string, Operation>> {
    return {
      CreateTopic: {
        authorize: (input: Api.CreateTopicInput) => [{ action: 'sns:CreateTopic', resource: this.site.arn('sns', input.Name ?? '') }],
        handle: (input: Api.CreateTopicInput): Api.CreateTopicResponse => {
          if (input.Attributes?.FifoTopic === 'true') throw invalid('local AWS knows no FIFO topics');
          const topic = this.topics.get(this.site.arn('sns', input.Name ?? '')) ?? this.create(input.Name ?? '');
          this.set(topic, input.Attributes ?? {});
          Object.assign(topic.tags, Object.fromEntries((input.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])));
          return { TopicArn: topic.arn };
        },
      },
      DeleteTopic: {
        authorize: this.onTopic('DeleteTopic'),
        handle: (input: Api.DeleteTopicInput) => {
          this.topics.delete(input.TopicArn ?? '');
          return {};
        },
      },
      ListTopics: {
        // Knows no resource.
        authorize: () => [{ action: 'sns:ListTopics', resource: '*' }],
        handle: (input: Api.ListTopicsInput): Api.ListTopicsResponse => {
          const { page, NextToken } = paged([...this.topics.keys()], input.NextToken);
          return { Topics: page.map((TopicArn) => ({ TopicArn })), NextToken };
        },
      },
      GetTopicAttributes: {
        authorize: this.onTopic('GetTopicAttributes'),
        handle: (input: Api.GetTopicAttributesInput): Api.GetTopicAttributesResponse => {
          const topic = this.topic(input.TopicArn);
          const subscriptions = [...topic.subscriptions.values()];
          const pending = subscriptions.filter(({ token }) => token !== undefined).length;
          return {
            Attributes: {
              TopicArn: topic.arn,
              Owner: this.site.account,
              DisplayName: topic.displayName,
              Policy: JSON.stringify(topic.policy),
              SubscriptionsConfirmed: String(subscriptions.length - pending),
              SubscriptionsPending: String(pending),
              SubscriptionsDeleted: '0',
            },
          };
        },
      },
      SetTopicAttributes: {
        authorize: this.onTopic('SetTopicAttributes'),
        handle: (input: Api.SetTopicAttributesInput) => {
          this.set(this.topic(input.TopicArn), { [input.AttributeName ?? '']: input.AttributeValue ?? '' });
          return {};
        },
      },
    };
  }

  private create(name: string): Topic {
    if (!/^[\w-]{1,256}$/.test(name)) throw invalid('Topic Name');
    const arn = this.site.arn('sns', name);
    const topic: Topic = { arn, name, displayName: '', policy: defaultPolicy(arn, this.site.account), tags: {}, subscriptions: new Map() };
    this.topics.set(arn, topic);
    return topic;
  }

  private set(topic: Topic, attributes: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(attributes)) {
      if (name === 'DisplayName') topic.displayName = value;
      else if (name === 'Policy') topic.policy = JSON.parse(value) as PolicyDocument;
      else if (name !== 'FifoTopic') throw invalid(`AttributeName (local AWS knows DisplayName and Policy, not ${name})`);
    }
  }

  // ---- subscriptions

  private subscriptionOperations(): Readonly<Record<string, Operation>> {
    return {
      Subscribe: {
        authorize: (input: Api.SubscribeInput) => [
          this.permission('Subscribe', input.TopicArn, { 'sns:Protocol': input.Protocol ?? '', 'sns:Endpoint': input.Endpoint ?? '' }),
        ],
        handle: (input: Api.SubscribeInput): Api.SubscribeResponse => {
          const subscription = this.subscribe(
            this.topic(input.TopicArn),
            input.Protocol ?? '',
            input.Endpoint ?? '',
            input.Attributes ?? {},
          );
          const pending = subscription.token !== undefined && input.ReturnSubscriptionArn !== true;
          return { SubscriptionArn: pending ? 'pending confirmation' : subscription.arn };
        },
      },
      ConfirmSubscription: {
        authorize: this.onTopic('ConfirmSubscription'),
        handle: (input: Api.ConfirmSubscriptionInput): Api.ConfirmSubscriptionResponse => {
          const waiting = [...this.topic(input.TopicArn).subscriptions.values()].find(
            ({ token }) => token !== undefined && token === input.Token,
          );
          if (waiting === undefined) throw invalid('Invalid token');
          waiting.token = undefined;
          return { SubscriptionArn: waiting.arn };
        },
      },
      Unsubscribe: {
        authorize: this.onSubscription('Unsubscribe'),
        handle: (input: Api.UnsubscribeInput) => {
          const { topicArn, arn } = this.subscription(input.SubscriptionArn);
          this.topic(topicArn).subscriptions.delete(arn);
          return {};
        },
      },
      ListSubscriptionsByTopic: {
        authorize: this.onTopic('ListSubscriptionsByTopic'),
        handle: (input: Api.ListSubscriptionsByTopicInput): Api.ListSubscriptionsByTopicResponse => {
          const { page, NextToken } = paged([...this.topic(input.TopicArn).subscriptions.values()], input.NextToken);
          return { Subscriptions: page.map((one) => this.listed(one)), NextToken };
        },
      },
      ListSubscriptions: {
        // Knows no resource.
        authorize: () => [{ action: 'sns:ListSubscriptions', resource: '*' }],
        handle: (input: Api.ListSubscriptionsInput): Api.ListSubscriptionsResponse => {
          const all = [...this.topics.values()].flatMap(({ subscriptions }) => [...subscriptions.values()]);
          const { page, NextToken } = paged(all, input.NextToken);
          return { Subscriptions: page.map((one) => this.listed(one)), NextToken };
        },
      },
      GetSubscriptionAttributes: {
        authorize: this.onSubscription('GetSubscriptionAttributes'),
        handle: (input: Api.GetSubscriptionAttributesInput): Api.GetSubscriptionAttributesResponse => {
          const one = this.subscription(input.SubscriptionArn);
          return {
            Attributes: {
              SubscriptionArn: one.arn,
              TopicArn: one.topicArn,
              Owner: this.site.account,
              Protocol: one.protocol,
              Endpoint: one.endpoint,
              PendingConfirmation: String(one.token !== undefined),
              RawMessageDelivery: String(one.raw),
              ...(one.filter === undefined ? {} : { FilterPolicy: one.filter.text, FilterPolicyScope: one.scope }),
              ...(one.redrive === undefined ? {} : { RedrivePolicy: one.redrive }),
            },
          };
        },
      },
      SetSubscriptionAttributes: {
        authorize: this.onSubscription('SetSubscriptionAttributes'),
        handle: (input: Api.SetSubscriptionAttributesInput) => {
          configure(this.subscription(input.SubscriptionArn), { [input.AttributeName ?? '']: input.AttributeValue ?? '' });
          return {};
        },
      },
    };
  }

  private listed(one: Subscription): Api.Subscription {
    return {
      SubscriptionArn: one.token === undefined ? one.arn : 'PendingConfirmation',
      Owner: this.site.account,
      Protocol: one.protocol,
      Endpoint: one.endpoint,
      TopicArn: one.topicArn,
    };
  }

  private subscribe(topic: Topic, protocol: string, endpoint: string, attributes: Readonly<Record<string, string>>): Subscription {
    if (!PROTOCOLS.has(protocol)) throw invalid(`Protocol (local AWS delivers to ${[...PROTOCOLS].join(', ')}, not to ${protocol})`);
    if (protocol.startsWith('email') ? !/^\S+@\S+$/.test(endpoint) : !endpoint.startsWith(`arn:aws:${protocol}:`))
      throw invalid(`Endpoint: ${protocol} endpoint ${endpoint}`);
    for (const one of topic.subscriptions.values()) {
      if (one.protocol !== protocol || one.endpoint !== endpoint) continue;
      const wanted = { ...one };
      configure(wanted, attributes, 'Attributes Reason: ');
      if (settings(wanted) !== settings(one)) throw invalid('Attributes Reason: Subscription already exists with different attributes');
      return one;
    }
    const { random, clock } = this.site.world;
    const subscription: Subscription = {
      arn: `${topic.arn}:${random.uuid()}`,
      topicArn: topic.arn,
      protocol,
      endpoint,
      token: protocol.startsWith('email') ? random.hex(64) : undefined,
      raw: false,
      scope: 'MessageAttributes',
      filter: undefined,
      redrive: undefined,
    };
    configure(subscription, attributes, 'Attributes Reason: ');
    topic.subscriptions.set(subscription.arn, subscription);
    if (subscription.token !== undefined)
      this.outbox.push({
        to: endpoint,
        subject: 'AWS Notification - Subscription Confirmation',
        body: `You have chosen to subscribe to the topic: ${topic.arn}\nConfirm with the token ${subscription.token}`,
        topicArn: topic.arn,
        time: clock.now(),
      });
    return subscription;
  }

  // ---- messages

  private publishOperations(): Readonly<Record<string, Operation>> {
    return {
      Publish: {
        authorize: this.onTopic('Publish'),
        handle: (input: Api.PublishInput): Api.PublishResponse => {
          if (input.PhoneNumber !== undefined) throw invalid('PhoneNumber (local AWS sends no text messages)');
          return { MessageId: this.publish(input.TopicArn ?? input.TargetArn, input) };
        },
      },
      PublishBatch: {
        // Authorised as Publish: there is no action for batches.
        authorize: this.onTopic('Publish'),
        handle: (input: Api.PublishBatchInput): Api.PublishBatchResponse => {
          const entries = input.PublishBatchRequestEntries ?? [];
          if (entries.length === 0) throw new ServiceError('EmptyBatchRequestException', "The batch request doesn't contain any entries.");
          if (entries.length > 10)
            throw new ServiceError('TooManyEntriesInBatchRequestException', 'The batch request contains more entries than permissible.');
          return { Successful: entries.map((entry) => ({ Id: entry.Id, MessageId: this.publish(input.TopicArn, entry) })), Failed: [] };
        },
      },
    };
  }

  /** @returns the message id. @throws ServiceError */
  private publish(
    arn: string | undefined,
    input: Pick<Api.PublishInput, 'Message' | 'Subject' | 'MessageStructure' | 'MessageAttributes'>,
  ): string {
    const [, , , region = this.site.region, account = this.site.account] = (arn ?? '').split(':');
    if (arn?.startsWith('arn:') === true && (account !== this.site.account || region !== this.site.region))
      return this.site.world.site(account, region).service('sns').publish(arn, input);
    const topic = this.topic(arn);
    const text = input.Message ?? '';
    if (text === '') throw invalid('Empty message');
    if (Buffer.byteLength(text) > LARGEST) throw invalid('Message too long');
    if (input.Subject !== undefined && (input.Subject === '' || input.Subject.length > 100 || /[\r\n]/.test(input.Subject)))
      throw invalid('Subject');
    const { world } = this.site;
    const notification: Notification = {
      messageId: world.random.uuid(),
      topicArn: topic.arn,
      ...(input.Subject === undefined ? {} : { subject: input.Subject }),
      message: input.MessageStructure === 'json' ? parseStructure(text) : { default: text },
      attributes: input.MessageAttributes ?? {},
      time: world.clock.now(),
    };
    const labels = { account: this.site.account, region: this.site.region, topic: topic.name };
    world.meter.record('sns.publish', 1, labels);
    for (const subscription of topic.subscriptions.values()) {
      if (subscription.token !== undefined || !wants(subscription, notification, text)) continue;
      world.meter.record('sns.delivery', 1, { ...labels, protocol: subscription.protocol.replace('-json', '') });
      world.clock.after(
        20 + world.random.integer(60),
        `${topic.name} notifies ${subscription.endpoint}`,
        bound(this, this.deliver, notification, subscription, 0),
      );
    }
    return notification.messageId;
  }

  private async deliver(notification: Notification, subscription: Subscription, tries: number): Promise<void> {
    if (subscription.protocol.startsWith('email')) {
      this.outbox.push(mailOf(notification, subscription));
      return;
    }
    try {
      await deliver(this.site, notification, subscription);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const pause = RETRIES[tries];
      if (isPassing(error) && pause !== undefined) {
        this.site.world.clock.after(
          pause,
          `${notification.topicArn} tries ${subscription.endpoint} again`,
          bound(this, this.deliver, notification, subscription, tries + 1),
        );
      } else await this.bury(notification, subscription, error);
    }
  }

  private async bury(notification: Notification, subscription: Subscription, error: ServiceError): Promise<void> {
    const failure = { subscriptionArn: subscription.arn, messageId: notification.messageId, error: `${error.code}: ${error.message}` };
    const queue =
      subscription.redrive === undefined
        ? undefined
        : (JSON.parse(subscription.redrive) as { deadLetterTargetArn?: string }).deadLetterTargetArn;
    if (queue === undefined) {
      this.failures.push(failure);
      return;
    }
    try {
      await deliver(this.site, notification, { arn: subscription.arn, protocol: 'sqs', endpoint: queue, raw: subscription.raw });
      this.failures.push({ ...failure, deadLetterQueue: queue });
    } catch (second) {
      if (!(second instanceof ServiceError)) throw second;
      this.failures.push({ ...failure, error: `${failure.error}; dead-letter queue: ${second.code}: ${second.message}` });
    }
  }

  // ---- CloudFormation

  private topicType(): ResourceType<TopicProperties> {
    const apply = (topic: Topic, properties: TopicProperties): CreatedResource => {
      topic.displayName = properties.DisplayName ?? '';
      topic.tags = Object.fromEntries((properties.Tags ?? []).map(({ Key, Value }) => [Key, Value]));
      for (const { Protocol, Endpoint } of properties.Subscription ?? []) this.subscribe(topic, Protocol, Endpoint, {});
      return { ref: topic.arn, attributes: { TopicArn: topic.arn, TopicName: topic.name } };
    };
    return {
      properties: ['TopicName', 'DisplayName', 'Subscription', 'FifoTopic', 'Tags'],
      inert: ['KmsMasterKeyId', 'SignatureVersion', 'TracingConfig', 'DeliveryStatusLogging', 'DataProtectionPolicy'],
      create: (properties, context) => {
        if (properties.FifoTopic === true) throw invalid('local AWS knows no FIFO topics');
        const name = properties.TopicName ?? context.generatedName;
        if (this.topics.has(this.site.arn('sns', name)))
          throw new ServiceError(
            'AlreadyExists',
            `Resource of type 'AWS::SNS::Topic' with identifier '${this.site.arn('sns', name)}' already exists.`,
          );
        return apply(this.create(name), properties);
      },
      update: (properties, before) => {
        const topic = this.topic(before.ref);
        if (properties.TopicName !== undefined && properties.TopicName !== topic.name)
          throw new ServiceError('ValidationError', `local AWS does not replace topics: ${topic.name} cannot be renamed`);
        return apply(topic, properties);
      },
      delete: (before) => {
        this.topics.delete(before.ref);
      },
    };
  }

  private subscriptionType(): ResourceType<SubscriptionProperties> {
    const attributes = (properties: SubscriptionProperties): Record<string, string> => ({
      RawMessageDelivery: String(properties.RawMessageDelivery ?? false),
      FilterPolicyScope: properties.FilterPolicyScope ?? 'MessageAttributes',
      FilterPolicy: properties.FilterPolicy === undefined ? '' : JSON.stringify(properties.FilterPolicy),
      RedrivePolicy: properties.RedrivePolicy === undefined ? '' : JSON.stringify(properties.RedrivePolicy),
    });
    const type: ResourceType<SubscriptionProperties> = {
      properties: ['TopicArn', 'Endpoint', 'Protocol', 'RawMessageDelivery', 'FilterPolicy', 'FilterPolicyScope', 'RedrivePolicy'],
      inert: ['Region', 'DeliveryPolicy', 'ReplayPolicy', 'SubscriptionRoleArn'],
      create: (properties) => {
        const subscription = this.subscribe(
          this.topic(properties.TopicArn),
          properties.Protocol,
          properties.Endpoint ?? '',
          attributes(properties),
        );
        return { ref: subscription.arn, attributes: { Arn: subscription.arn } };
      },
      update: (properties, before, context) => {
        const old = this.subscription(before.ref);
        if (old.topicArn === properties.TopicArn && old.protocol === properties.Protocol && old.endpoint === properties.Endpoint) {
          configure(old, attributes(properties));
          return before;
        }
        // Topic, protocol and endpoint cannot be changed: CloudFormation replaces the subscription.
        const created = type.create(properties, context);
        void type.delete?.(before, context);
        return created;
      },
      delete: (before) => {
        for (const topic of this.topics.values()) topic.subscriptions.delete(before.ref);
      },
    };
    return type;
  }

  private policyType(): ResourceType<{ readonly Topics: readonly string[]; readonly PolicyDocument: PolicyDocument }> {
    const put: ResourceType['create'] = ({ Topics, PolicyDocument }, context) => {
      for (const arn of Topics) this.topic(arn).policy = PolicyDocument;
      return { ref: context.generatedName, attributes: { Id: context.generatedName, [TARGETS]: Topics.join(' ') } };
    };
    return {
      properties: ['Topics', 'PolicyDocument'],
      create: put,
      update: (properties, _before, context) => put(properties, context),
      delete: (before) => {
        for (const arn of (before.attributes?.[TARGETS] ?? '').split(' ')) {
          const topic = this.topics.get(arn);
          if (topic !== undefined) topic.policy = defaultPolicy(arn, this.site.account);
        }
      },
    };
  }
}

/** Remembers what a policy was put on; no template can ask for it. */
const TARGETS = '(topics)';

/** The policy that every topic starts with: what acts for the owner's account (an alarm, for one) may use it. */
function defaultPolicy(arn: string, account: string): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: '__default_statement_ID',
        Effect: 'Allow',
        Principal: '*',
        Action: ['sns:Publish', 'sns:Subscribe', 'sns:GetTopicAttributes', 'sns:ListSubscriptionsByTopic'],
        Resource: arn,
        Condition: { StringEquals: { 'aws:SourceOwner': account } },
      },
    ],
  };
}

/**
 * @param place where the attributes stand in the request, as AWS says it
 * @throws ServiceError InvalidParameterException
 */
function configure(subscription: Subscription, attributes: Readonly<Record<string, string>>, place = ''): void {
  const { FilterPolicyScope: scope, FilterPolicy: policy, RawMessageDelivery: raw, RedrivePolicy: redrive, ...unknown } = attributes;
  const [name] = Object.keys(unknown);
  if (name !== undefined) throw invalid(`AttributeName (local AWS does not know ${name})`);
  if (scope !== undefined && scope !== 'MessageAttributes' && scope !== 'MessageBody')
    throw invalid(`${place}FilterPolicyScope: Invalid value [${scope}]. Please use either MessageBody or MessageAttributes`);
  const text = policy ?? subscription.filter?.text ?? '';
  const filter = text === '' || text === '{}' ? undefined : parseFilterPolicy(text, scope ?? subscription.scope, place);
  if (scope !== undefined) subscription.scope = scope;
  subscription.filter = filter;
  if (raw !== undefined) subscription.raw = raw === 'true';
  if (redrive !== undefined) subscription.redrive = redrive === '' ? undefined : redrive;
}

const settings = ({ raw, scope, filter, redrive }: Subscription) => JSON.stringify([raw, scope, filter, redrive]);

const wants = ({ filter }: Subscription, { attributes }: Notification, text: string) =>
  filter === undefined || passes(filter, text, attributes);

/** @throws ServiceError InvalidParameterException */
function parseStructure(text: string): Record<string, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalid('Message Structure - JSON message body failed to parse');
  }
  const message = parsed as Record<string, string>;
  if (typeof message?.default !== 'string') throw invalid('Message Structure - No default entry in JSON message body');
  return message;
}

/** Pages of a hundred. */
function paged<One>(all: readonly One[], token: string | undefined): { page: readonly One[]; NextToken?: string } {
  const start = Number(token ?? 0);
  const page = all.slice(start, start + 100);
  return start + 100 < all.length ? { page, NextToken: String(start + 100) } : { page };
}
