/** Amazon SQS: standard queues with visibility, long polling, dead letters and queue policies. */
import type * as Api from '@aws-sdk/client-sqs';
import { QueueAttributeName } from '@aws-sdk/client-sqs';
import { bound } from '../core/bound.ts';
import {
  type Call,
  type CreatedResource,
  type Operation,
  type Permission,
  type PolicyDocument,
  type ResourceType,
  type Service,
  ServiceError,
} from '../core/service.ts';
import type { Site } from '../core/site.ts';
import { md5, md5OfAttributes } from './sqs/digest.ts';
import { checkFifoIds } from './sqs/fifo.ts';
import { Queue } from './sqs/queue.ts';
import { change, checkedSettings, isFifo, redriveOf, redriveReason, settingsOf, shownSettings } from './sqs/settings.ts';

declare module '../core/site.ts' {
  interface Services {
    sqs: Sqs;
  }
}

interface QueueProperties {
  readonly QueueName?: string;
  readonly FifoQueue?: boolean;
  readonly RedrivePolicy?: object | string;
  readonly RedriveAllowPolicy?: object | string;
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
  readonly [setting: string]: unknown;
}

interface Entry {
  readonly Id?: string;
}

const SETTINGS = [
  'DelaySeconds',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'ReceiveMessageWaitTimeSeconds',
  'VisibilityTimeout',
  'FifoQueue',
  'ContentBasedDeduplication',
  'DeduplicationScope',
  'FifoThroughputLimit',
];
const LARGEST_BATCH = 1_048_576;
const MOST_TAGS = 50;

/** What GetQueueAttributes may be asked for. */
const QUEUE_ATTRIBUTES: ReadonlySet<string> = new Set([...Object.values(QueueAttributeName), 'All']);

/** What IAM is told of tags in a request. */
const tagContext = (tags: Readonly<Record<string, string>> = {}): Permission['context'] => ({
  ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])),
  'aws:TagKeys': Object.keys(tags),
});
const HOUR = 3600_000;

export class Sqs implements Service {
  readonly operations: Readonly<Record<string, Operation>>;
  readonly resources: Readonly<Record<string, ResourceType>>;
  private readonly site: Site;
  private readonly queues = new Map<string, Queue>();
  private readonly purged = new Map<string, number>();

  constructor(site: Site) {
    this.site = site;
    this.operations = metered(site, { ...this.queueOperations(), ...this.messageOperations() });
    this.resources = { 'AWS::SQS::Queue': this.queueType(), 'AWS::SQS::QueuePolicy': this.policyType() };
  }

  /** A queue by name, URL or ARN, wherever it is. @throws ServiceError QueueDoesNotExist */
  queue(reference: string | undefined): Queue {
    const { account, region, name } = this.locate(reference ?? '');
    const home = account === this.site.account && region === this.site.region ? this : this.site.world.site(account, region).service('sqs');
    const found = home.queues.get(name);
    if (found === undefined) throw new ServiceError('QueueDoesNotExist', 'The specified queue does not exist.');
    return found;
  }

  private locate(reference: string): { account: string; region: string; name: string } {
    const { account, region } = this.site;
    if (reference.startsWith('arn:')) {
      const parts = reference.split(':');
      return { region: parts[3] ?? region, account: parts[4] ?? account, name: parts[5] ?? '' };
    }
    // The host of a URL may be a loopback port; then it says nothing about the Region.
    const match = /^https?:\/\/([^/]+)\/(\d{12})\/([^/]+)$/.exec(reference);
    if (match === null) return { account, region, name: reference };
    const host = /^sqs\.([a-z0-9-]+)\.amazonaws\.com$/.exec(match[1]!);
    return { account: match[2]!, region: host?.[1] ?? region, name: match[3]! };
  }

  // ---- what IAM must allow

  private onQueue(action: string) {
    return (input: { QueueUrl?: string }): Permission[] => [this.permission(action, input.QueueUrl ?? '')];
  }

  private permission(action: string, reference: string, context: Permission['context'] = {}): Permission {
    const { account, region, name } = this.locate(reference);
    const policy = this.site.world.site(account, region).service('sqs').queues.get(name)?.settings.Policy;
    return {
      action: `sqs:${action}`,
      resource: `arn:aws:sqs:${region}:${account}:${name}`,
      context,
      ...(policy === undefined || policy === '' ? {} : { resourcePolicy: JSON.parse(policy) as PolicyDocument }),
    };
  }

  // ---- queues

  private queueOperations(): Readonly<Record<string, Operation>> {
    return {
      CreateQueue: {
        authorize: (input: Api.CreateQueueRequest) => [
          { action: 'sqs:CreateQueue', resource: this.site.arn('sqs', input.QueueName ?? '') },
        ],
        handle: (input: Api.CreateQueueRequest): Api.CreateQueueResult => {
          const settings = this.checked(input.Attributes ?? {});
          const existing = this.queues.get(input.QueueName ?? '');
          if (existing !== undefined) {
            for (const [name, value] of Object.entries(settings))
              if (existing.settings[name] !== value)
                throw new ServiceError(
                  'QueueNameExists',
                  `A queue already exists with the same name and a different value for attribute ${name}`,
                );
            return { QueueUrl: existing.url };
          }
          const queue = this.create(input.QueueName ?? '', settings);
          queue.tags = { ...input.tags };
          return { QueueUrl: queue.url };
        },
      },
      DeleteQueue: {
        authorize: this.onQueue('DeleteQueue'),
        handle: (input: Api.DeleteQueueRequest) => {
          this.queues.delete(this.queue(input.QueueUrl).name);
          return {};
        },
      },
      GetQueueUrl: {
        authorize: (input: Api.GetQueueUrlRequest) => {
          const account = input.QueueOwnerAWSAccountId ?? this.site.account;
          return [this.permission('GetQueueUrl', `arn:aws:sqs:${this.site.region}:${account}:${input.QueueName}`)];
        },
        handle: (input: Api.GetQueueUrlRequest): Api.GetQueueUrlResult => {
          const account = input.QueueOwnerAWSAccountId ?? this.site.account;
          return { QueueUrl: this.queue(`arn:aws:sqs:${this.site.region}:${account}:${input.QueueName}`).url };
        },
      },
      ListQueues: {
        // Knows no resource.
        authorize: () => [{ action: 'sqs:ListQueues', resource: '*' }],
        handle: (input: Api.ListQueuesRequest): Api.ListQueuesResult => {
          const urls = [...this.queues.values()].filter(({ name }) => name.startsWith(input.QueueNamePrefix ?? '')).map(({ url }) => url);
          const from = Number(input.NextToken ?? 0);
          const to = from + (input.MaxResults ?? 1000);
          if (urls.length === 0) return {};
          // Without MaxResults there are no pages: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListQueues.html
          const next = input.MaxResults !== undefined && to < urls.length ? { NextToken: String(to) } : {};
          return { QueueUrls: urls.slice(from, to), ...next };
        },
      },
      ListDeadLetterSourceQueues: {
        authorize: this.onQueue('ListDeadLetterSourceQueues'),
        handle: (input: Api.ListDeadLetterSourceQueuesRequest): Api.ListDeadLetterSourceQueuesResult => {
          const { arn } = this.queue(input.QueueUrl);
          const sources = [...this.queues.values()].filter(
            ({ settings }) => redriveOf(settings.RedrivePolicy)?.deadLetterTargetArn === arn,
          );
          return { queueUrls: sources.map(({ url }) => url) };
        },
      },
      TagQueue: {
        authorize: (input: Api.TagQueueRequest) => [this.permission('TagQueue', input.QueueUrl ?? '', tagContext(input.Tags))],
        handle: (input: Api.TagQueueRequest) => {
          const queue = this.queue(input.QueueUrl);
          const tags = { ...queue.tags, ...input.Tags };
          if (Object.keys(tags).length > MOST_TAGS)
            throw new ServiceError('InvalidParameterValue', `Too many tags added for queue ${queue.name}.`);
          queue.tags = tags;
          return {};
        },
      },
      UntagQueue: {
        authorize: (input: Api.UntagQueueRequest) => [
          this.permission('UntagQueue', input.QueueUrl ?? '', { 'aws:TagKeys': input.TagKeys ?? [] }),
        ],
        handle: (input: Api.UntagQueueRequest) => {
          const queue = this.queue(input.QueueUrl);
          queue.tags = Object.fromEntries(Object.entries(queue.tags).filter(([key]) => !input.TagKeys?.includes(key)));
          return {};
        },
      },
      GetQueueAttributes: {
        authorize: this.onQueue('GetQueueAttributes'),
        handle: (input: Api.GetQueueAttributesRequest): Api.GetQueueAttributesResult => {
          const queue = this.queue(input.QueueUrl);
          const { visible, inFlight, delayed } = queue.counts;
          const all: Record<string, string> = {
            QueueArn: queue.arn,
            ApproximateNumberOfMessages: String(visible),
            ApproximateNumberOfMessagesNotVisible: String(inFlight),
            ApproximateNumberOfMessagesDelayed: String(delayed),
            CreatedTimestamp: String(Math.floor(queue.createdAt / 1000)),
            LastModifiedTimestamp: String(Math.floor(queue.modifiedAt / 1000)),
            ...shownSettings(queue.settings),
          };
          const wanted: readonly string[] = input.AttributeNames ?? [];
          const unknown = wanted.find((name) => !QUEUE_ATTRIBUTES.has(name));
          if (unknown !== undefined) throw new ServiceError('InvalidAttributeName', `Unknown Attribute ${unknown}.`);
          const shown = Object.entries(all).filter(([name]) => wanted.includes('All') || wanted.includes(name));
          return shown.length === 0 ? {} : { Attributes: Object.fromEntries(shown) };
        },
      },
      SetQueueAttributes: {
        authorize: this.onQueue('SetQueueAttributes'),
        handle: (input: Api.SetQueueAttributesRequest, call: Call) => {
          const queue = this.queue(input.QueueUrl);
          const settings = this.checked(input.Attributes ?? {}, queue);
          change(queue.settings, settings);
          if (settings.DeduplicationScope !== undefined) queue.rescope();
          queue.modifiedAt = call.now;
          return {};
        },
      },
      PurgeQueue: {
        authorize: this.onQueue('PurgeQueue'),
        handle: (input: Api.PurgeQueueRequest, call: Call) => {
          const queue = this.queue(input.QueueUrl);
          if (call.now - (this.purged.get(queue.arn) ?? Number.NEGATIVE_INFINITY) < HOUR / 60)
            throw new ServiceError(
              'PurgeQueueInProgress',
              `Only one PurgeQueue operation on ${queue.name} is allowed every 60 seconds.`,
              403,
            );
          this.purged.set(queue.arn, call.now);
          queue.purge();
          return {};
        },
      },
      ListQueueTags: {
        authorize: this.onQueue('ListQueueTags'),
        handle: (input: Api.ListQueueTagsRequest): Api.ListQueueTagsResult => ({ Tags: { ...this.queue(input.QueueUrl).tags } }),
      },
    };
  }

  /** @param queue that is changed; none for a new one. @throws ServiceError */
  private checked(given: Readonly<Record<string, string>>, queue?: Queue): Record<string, string> {
    const fifo = queue === undefined ? given.FifoQueue?.toLowerCase() === 'true' : isFifo(queue.settings);
    const settings = checkedSettings(given, fifo, queue === undefined);
    const redrive = redriveOf(settings.RedrivePolicy);
    if (redrive === undefined) return settings;
    const target = this.find(redrive.deadLetterTargetArn);
    if (target === undefined) throw redriveReason(settings.RedrivePolicy!, 'Dead letter target does not exist.');
    if (isFifo(target.settings) !== fifo)
      throw redriveReason(settings.RedrivePolicy!, 'Dead-letter queue must be same type of queue as the source.');
    return settings;
  }

  private find(reference: string): Queue | undefined {
    try {
      return this.queue(reference);
    } catch (error) {
      if (error instanceof ServiceError) return undefined;
      throw error;
    }
  }

  private create(name: string, settings: Record<string, string>): Queue {
    if (isFifo(settings) && !/^[\w-]{1,75}\.fifo$/.test(name))
      throw new ServiceError(
        'InvalidParameterValue',
        'The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.',
      );
    if (!isFifo(settings) && !/^[\w-]{1,80}$/.test(name))
      throw new ServiceError(
        'InvalidParameterValue',
        'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
      );
    const queue = new Queue(this.site, name, settings, bound(this, this.find));
    this.queues.set(name, queue);
    return queue;
  }

  // ---- messages

  private messageOperations(): Readonly<Record<string, Operation>> {
    return {
      SendMessage: {
        authorize: this.onQueue('SendMessage'),
        handle: (input: Api.SendMessageRequest, call: Call): Api.SendMessageResult => this.send(this.queue(input.QueueUrl), input, call),
      },
      SendMessageBatch: {
        // Authorised as SendMessage: there are no actions for batches.
        authorize: this.onQueue('SendMessage'),
        handle: (input: Api.SendMessageBatchRequest, call: Call) => {
          const queue = this.queue(input.QueueUrl);
          const entries = input.Entries ?? [];
          const size = entries.reduce((sum, { MessageBody = '' }) => sum + Buffer.byteLength(MessageBody), 0);
          if (size > LARGEST_BATCH)
            throw new ServiceError(
              'BatchRequestTooLong',
              `Batch requests cannot be longer than ${LARGEST_BATCH} bytes. You have sent ${size} bytes.`,
            );
          return batch(
            entries,
            (entry) => this.send(queue, entry, call, true),
            () => {
              if (isFifo(queue.settings))
                for (const { MessageGroupId: group, MessageDeduplicationId: deduplication } of entries)
                  checkFifoIds(queue.settings, { group, deduplication });
            },
          );
        },
      },
      ReceiveMessage: {
        authorize: this.onQueue('ReceiveMessage'),
        handle: async (input: Api.ReceiveMessageRequest): Promise<Api.ReceiveMessageResult> => {
          const queue = this.queue(input.QueueUrl);
          const max = input.MaxNumberOfMessages ?? 1;
          if (max < 1 || max > 10)
            throw new ServiceError(
              'InvalidParameterValue',
              `Value ${max} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.`,
            );
          const wait = input.WaitTimeSeconds ?? Number(queue.settings.ReceiveMessageWaitTimeSeconds);
          if (wait < 0 || wait > 20)
            throw new ServiceError(
              'InvalidParameterValue',
              `Value ${wait} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.`,
            );
          const visibility = input.VisibilityTimeout ?? Number(queue.settings.VisibilityTimeout);
          if (visibility < 0 || visibility > 43_200)
            throw new ServiceError(
              'InvalidParameterValue',
              `Value ${visibility} for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided.`,
            );
          const messages = await queue.receive({
            max,
            wait,
            visibility,
            systemAttributes: [...(input.MessageSystemAttributeNames ?? []), ...(input.AttributeNames ?? [])],
            attributes: input.MessageAttributeNames ?? [],
          });
          return messages.length === 0 ? {} : { Messages: messages };
        },
      },
      DeleteMessage: {
        authorize: this.onQueue('DeleteMessage'),
        handle: (input: Api.DeleteMessageRequest) => {
          this.queue(input.QueueUrl).delete(input.ReceiptHandle ?? '');
          return {};
        },
      },
      DeleteMessageBatch: {
        authorize: this.onQueue('DeleteMessage'),
        handle: (input: Api.DeleteMessageBatchRequest) => {
          const queue = this.queue(input.QueueUrl);
          return batch(input.Entries ?? [], ({ ReceiptHandle }) => queue.delete(ReceiptHandle ?? ''));
        },
      },
      ChangeMessageVisibility: {
        authorize: this.onQueue('ChangeMessageVisibility'),
        handle: (input: Api.ChangeMessageVisibilityRequest) => {
          this.queue(input.QueueUrl).changeVisibility(input.ReceiptHandle ?? '', input.VisibilityTimeout ?? 0);
          return {};
        },
      },
      ChangeMessageVisibilityBatch: {
        authorize: this.onQueue('ChangeMessageVisibility'),
        handle: (input: Api.ChangeMessageVisibilityBatchRequest) => {
          const queue = this.queue(input.QueueUrl);
          return batch(input.Entries ?? [], (entry) => queue.changeVisibility(entry.ReceiptHandle ?? '', entry.VisibilityTimeout ?? 0));
        },
      },
    };
  }

  private send(
    queue: Queue,
    input: Omit<Api.SendMessageRequest, 'QueueUrl'>,
    call: Call,
    inBatch = false,
  ): { MessageId: string; MD5OfMessageBody: string } {
    const attributes = input.MessageAttributes ?? {};
    const message = queue.send({
      body: input.MessageBody ?? '',
      attributes,
      senderId: call.principal.arn,
      ...(input.DelaySeconds === undefined ? {} : { delay: input.DelaySeconds }),
      ...(input.MessageGroupId === undefined ? {} : { group: input.MessageGroupId }),
      ...(input.MessageDeduplicationId === undefined ? {} : { deduplication: input.MessageDeduplicationId }),
      inBatch,
    });
    const digest = md5OfAttributes(attributes);
    return {
      MessageId: message.id,
      MD5OfMessageBody: md5(message.body),
      ...(digest === undefined ? {} : { MD5OfMessageAttributes: digest }),
      ...(message.sequence === undefined ? {} : { SequenceNumber: message.sequence }),
    };
  }

  // ---- CloudFormation

  private queueType(): ResourceType<QueueProperties> {
    const settings = (properties: QueueProperties, existing?: Queue): Record<string, string> => {
      const found: Record<string, string> = {};
      for (const name of SETTINGS) if (properties[name] !== undefined) found[name] = String(properties[name]);
      for (const name of ['RedrivePolicy', 'RedriveAllowPolicy'] as const) {
        const policy = properties[name];
        if (policy !== undefined) found[name] = typeof policy === 'string' ? policy : JSON.stringify(policy);
      }
      // A template says so of standard queues too.
      if (found.FifoQueue === 'false') delete found.FifoQueue;
      return this.checked(found, existing);
    };
    const created = (queue: Queue): CreatedResource => ({
      ref: queue.url,
      attributes: { Arn: queue.arn, QueueName: queue.name, QueueUrl: queue.url },
    });
    const tags = (properties: QueueProperties) => Object.fromEntries((properties.Tags ?? []).map(({ Key, Value }) => [Key, Value]));
    return {
      properties: ['QueueName', ...SETTINGS, 'RedrivePolicy', 'RedriveAllowPolicy', 'Tags'],
      inert: ['KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds', 'SqsManagedSseEnabled'],
      create: (properties, context) => {
        const suffix = String(properties.FifoQueue) === 'true' ? '.fifo' : '';
        const name = properties.QueueName ?? `${context.generatedName.slice(0, 80 - suffix.length)}${suffix}`;
        if (this.queues.has(name))
          throw new ServiceError('QueueNameExists', `Resource of type 'AWS::SQS::Queue' with identifier '${name}' already exists.`);
        const queue = this.create(name, settings(properties));
        queue.tags = tags(properties);
        return created(queue);
      },
      update: (properties, before) => {
        const queue = this.queue(before.ref);
        if (properties.QueueName !== undefined && properties.QueueName !== queue.name)
          throw new ServiceError('ValidationError', `local AWS does not replace queues: ${queue.name} cannot be renamed`);
        const { Policy } = queue.settings;
        for (const name of Object.keys(queue.settings)) delete queue.settings[name];
        Object.assign(queue.settings, settingsOf(settings(properties, queue)));
        if (Policy !== undefined) queue.settings.Policy = Policy;
        queue.tags = tags(properties);
        return created(queue);
      },
      delete: (before) => {
        this.queues.delete(before.attributes?.QueueName ?? '');
      },
    };
  }

  private policyType(): ResourceType<{ readonly Queues: readonly string[]; readonly PolicyDocument: PolicyDocument }> {
    const put: ResourceType['create'] = ({ Queues, PolicyDocument }, context) => {
      for (const url of Queues) this.queue(url).settings.Policy = JSON.stringify(PolicyDocument);
      return { ref: context.generatedName, attributes: { Id: context.generatedName, [TARGETS]: Queues.join(' ') } };
    };
    return {
      properties: ['Queues', 'PolicyDocument'],
      create: put,
      update: (properties, _before, context) => put(properties, context),
      delete: (before) => {
        for (const url of (before.attributes?.[TARGETS] ?? '').split(' ')) {
          const queue = this.queues.get(this.locate(url).name);
          if (queue !== undefined) delete queue.settings.Policy;
        }
      },
    };
  }
}

/** Remembers what a policy was put on; no template can ask for it. */
const TARGETS = '(queues)';

/** Each entry succeeds or fails by itself. @throws ServiceError where the list itself is wrong */
function batch<One extends Entry>(entries: readonly One[], run: (entry: One) => unknown, check?: () => void) {
  if (entries.length === 0) throw new ServiceError('EmptyBatchRequest', 'There should be at least one entry in the request.');
  if (entries.length > 10)
    throw new ServiceError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are 10. You have sent ${entries.length}.`,
    );
  if (entries.some(({ Id }) => !/^[\w-]{1,80}$/.test(Id ?? '')))
    throw new ServiceError(
      'InvalidBatchEntryId',
      'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
    );
  if (new Set(entries.map(({ Id }) => Id)).size < entries.length)
    throw new ServiceError('BatchEntryIdsNotDistinct', 'Two or more batch entries in the request have the same Id.');
  check?.();
  const successful: object[] = [];
  const failed: object[] = [];
  for (const entry of entries)
    try {
      successful.push({ Id: entry.Id, ...(run(entry) as object | undefined) });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      failed.push({ Id: entry.Id, SenderFault: error.status < 500, Code: error.code, Message: error.message });
    }
  return { Successful: successful, Failed: failed };
}

/** Every request counts, whatever comes of it. */
function metered(site: Site, operations: Readonly<Record<string, Operation>>): Readonly<Record<string, Operation>> {
  return Object.fromEntries(
    Object.entries(operations).map(([name, { authorize, handle }]): [string, Operation] => [
      name,
      {
        authorize,
        handle: (input, call) => {
          site.world.meter.record('sqs.request', 1, { account: site.account, region: site.region });
          return handle(input, call);
        },
      },
    ]),
  );
}
