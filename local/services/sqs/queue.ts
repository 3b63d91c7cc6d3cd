/** One queue: messages become visible, are received, come back, are deleted or move to the dead-letter queue. */
import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import { bound, type Listener, tell } from '../../core/bound.ts';
import type { Timer } from '../../core/clock.ts';
import { ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { md5, md5OfAttributes } from './digest.ts';
import { checkFifoIds, checkId, contentId, Deduplication } from './fifo.ts';
import { isFifo, redriveOf, settingsOf } from './settings.ts';

export interface Stored {
  readonly id: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, MessageAttributeValue>>;
  readonly sentAt: number;
  readonly senderId: string;
  readonly group?: string;
  readonly deduplication?: string;
  /** Of a FIFO queue. */
  readonly sequence?: string;
  /** Where a dead letter came from. */
  readonly deadLetterSource?: string;
  visibleAt: number;
  receives: number;
  firstReceivedAt?: number;
  handle?: string;
}

export interface Receive {
  readonly max: number;
  /** Seconds. */
  readonly visibility: number;
  /** Seconds. */
  readonly wait: number;
  readonly systemAttributes: readonly string[];
  readonly attributes: readonly string[];
}

/** A request that waits for messages. It ends with its connection: where the world is loaded again, nobody is left to answer. */
interface Waiter {
  readonly receive: Receive;
  readonly answer: (messages: Message[]) => void;
  readonly limit: Timer;
}

/** Of CloudWatch, where it is. */
interface Sink {
  level(
    name: { readonly namespace: string; readonly name: string; readonly dimensions: Record<string, string> },
    unit: string,
    value: number,
  ): void;
}

const notOfThisType = (parameter: string, value: string) =>
  new ServiceError(
    'InvalidParameterValue',
    `Value ${value} for parameter ${parameter} is invalid. Reason: The request include parameter that is not valid for this queue type.`,
  );

const MOST_ATTRIBUTES = 10;

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html @throws ServiceError InvalidParameterValue */
function checkAttributes(attributes: Readonly<Record<string, MessageAttributeValue>>): void {
  const invalid = (message: string) => new ServiceError('InvalidParameterValue', message);
  const entries = Object.entries(attributes);
  if (entries.length > MOST_ATTRIBUTES)
    throw invalid(`Number of message attributes [${entries.length}] exceeds the allowed maximum [${MOST_ATTRIBUTES}].`);
  for (const [name, { DataType = '', StringValue, BinaryValue }] of entries) {
    const [kind] = DataType.split('.');
    if (kind !== 'String' && kind !== 'Number' && kind !== 'Binary')
      throw invalid(
        `The type of message (user) attribute '${name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String.`,
      );
    if (kind === 'Binary' ? (BinaryValue?.byteLength ?? 0) === 0 : (StringValue ?? '') === '')
      throw invalid(`Message (user) attribute '${name}' must contain a non-empty value of type '${kind}'.`);
    if (kind === 'Number' && !/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(StringValue ?? ''))
      throw invalid(`Can't cast the value of message (user) attribute '${name}' to a number.`);
  }
}

export class Queue {
  readonly name: string;
  readonly arn: string;
  readonly url: string;
  readonly createdAt: number;
  modifiedAt: number;
  readonly settings: Record<string, string>;
  tags: Record<string, string> = {};
  private readonly site: Site;
  private readonly deadLetters: Listener<[arn: string], Queue | undefined>;
  private messages: Stored[] = [];
  private readonly waiters = new Map<number, Waiter>();
  private waited = 0;
  private readonly listeners = new Set<() => void>();
  private alarm: Timer | undefined;
  /** Of a FIFO queue. */
  private readonly deduplication: Deduplication;

  /** @param deadLetters finds the queue of an ARN */
  constructor(site: Site, name: string, settings: Record<string, string>, deadLetters: Listener<[arn: string], Queue | undefined>) {
    this.site = site;
    this.name = name;
    this.settings = settingsOf(settings);
    this.deduplication = new Deduplication(this.settings.DeduplicationScope ?? 'queue');
    this.deadLetters = deadLetters;
    this.arn = site.arn('sqs', name);
    this.url = `https://sqs.${site.region}.amazonaws.com/${site.account}/${name}`;
    this.createdAt = site.world.clock.now();
    this.modifiedAt = this.createdAt;
  }

  private get now(): number {
    return this.site.world.clock.now();
  }

  private seconds(setting: string): number {
    return Number(this.settings[setting]);
  }

  /** @throws ServiceError InvalidMessageContents, InvalidParameterValue */
  send(message: {
    readonly body: string;
    readonly senderId: string;
    readonly attributes?: Readonly<Record<string, MessageAttributeValue>>;
    readonly group?: string;
    readonly deduplication?: string;
    /** Seconds. */
    readonly delay?: number;
    /** Whether it is one of several. */
    readonly inBatch?: boolean;
  }): Stored {
    const { body, attributes = {}, senderId, group, deduplication, inBatch = false } = message;
    const fifo = isFifo(this.settings);
    if (body === '') throw new ServiceError('MissingParameter', 'The request must contain the parameter MessageBody.');
    checkId('MessageGroupId', group);
    checkId('MessageDeduplicationId', deduplication);
    if (fifo) checkFifoIds(this.settings, { group, deduplication });
    else if (deduplication !== undefined) throw notOfThisType('MessageDeduplicationId', deduplication);
    const delay = this.delayOf(message.delay);
    checkAttributes(attributes);
    if (Buffer.byteLength(body) > this.seconds('MaximumMessageSize'))
      throw new ServiceError(
        'InvalidParameterValue',
        `One or more parameters ${inBatch ? 'cannot be validated' : 'are invalid'}. Reason: Message must be shorter than ${this.settings.MaximumMessageSize} bytes.`,
      );
    if (/[^\t\n\r\u0020-\ufffd]/.test(body))
      throw new ServiceError(
        'InvalidMessageContents',
        'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF',
      );
    const own = fifo ? (deduplication ?? contentId(body)) : undefined;
    const earlier = own === undefined ? undefined : this.deduplication.find(group ?? '', own, this.now);
    const id = this.site.world.random.uuid();
    const sequence = own === undefined ? undefined : (earlier?.sequence ?? this.deduplication.remember(group ?? '', own, id, this.now));
    const stored: Stored = {
      id: earlier?.id ?? id,
      body,
      attributes,
      sentAt: this.now,
      senderId,
      ...(group === undefined ? {} : { group }),
      ...(own === undefined ? {} : { deduplication: own, sequence }),
      visibleAt: this.now + delay * 1000,
      receives: 0,
    };
    // What was sent lately is taken and not delivered again.
    if (earlier === undefined) this.add(stored);
    return stored;
  }

  /** Seconds. @throws ServiceError InvalidParameterValue */
  private delayOf(given: number | undefined): number {
    const own = this.seconds('DelaySeconds');
    if (given === undefined) return own;
    if (isFifo(this.settings)) {
      if (given !== 0) throw notOfThisType('DelaySeconds', String(given));
      return own;
    }
    if (given < 0 || given > 900)
      throw new ServiceError(
        'InvalidParameterValue',
        `Value ${given} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.`,
      );
    return given;
  }

  /** The deduplication of a FIFO queue changes its scope. */
  rescope(): void {
    this.deduplication.rescope(this.settings.DeduplicationScope ?? 'queue', this.now);
  }

  /** Messages that are visible now, or become so while the request waits. */
  receive(receive: Receive): Message[] | Promise<Message[]> {
    const found = this.take(receive);
    this.report();
    if (found.length > 0 || receive.wait === 0) return found;
    return new Promise((resolve) => {
      const number = ++this.waited;
      const what = `a request to ${this.name} stops waiting`;
      const limit = this.site.world.clock.after(receive.wait * 1000, what, bound(this, this.stopWaiting, number));
      this.waiters.set(number, { receive, answer: resolve, limit });
      this.arm();
    });
  }

  private stopWaiting(number: number): void {
    const waiter = this.waiters.get(number);
    this.waiters.delete(number);
    waiter?.answer([]);
  }

  /** A handle of an earlier receipt deletes nothing, and says so to nobody. @throws ServiceError ReceiptHandleIsInvalid, InvalidParameterValue */
  delete(handle: string): void {
    this.requireOwn(handle);
    const message = this.messages.find((one) => one.handle === handle);
    if (message === undefined) return;
    if (isFifo(this.settings) && message.visibleAt <= this.now)
      throw new ServiceError(
        'InvalidParameterValue',
        `Value ${handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.`,
      );
    this.messages.splice(this.messages.indexOf(message), 1);
    // The next of its group may be waited for.
    if (message.group !== undefined) this.wake();
    else this.report();
  }

  /** @throws ServiceError ReceiptHandleIsInvalid, MessageNotInflight, InvalidParameterValue */
  changeVisibility(handle: string, seconds: number): void {
    this.requireOwn(handle);
    if (!(seconds >= 0 && seconds <= 43_200))
      throw new ServiceError(
        'InvalidParameterValue',
        `Value ${seconds} for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and 43200`,
      );
    const message = this.messages.find((one) => one.handle === handle);
    if (message === undefined || message.visibleAt <= this.now)
      throw new ServiceError('MessageNotInflight', 'The specified message is not in flight.');
    message.visibleAt = this.now + seconds * 1000;
    this.wake();
  }

  purge(): void {
    this.messages = [];
    this.report();
  }

  /**
   * What CloudWatch shows of it, minute by minute, told when it changes. A message that comes back where nobody waits is
   * counted at the next call: nothing runs while nothing happens.
   * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
   */
  private report(): void {
    const { world } = this.site;
    if (!world.knows('cloudwatch')) return;
    const sink = this.site.find('cloudwatch') as unknown as Partial<Sink>;
    const { visible, inFlight, delayed } = this.counts;
    const values = { Visible: visible, NotVisible: inFlight, Delayed: delayed };
    for (const [kind, value] of Object.entries(values)) {
      const name = `ApproximateNumberOfMessages${kind}`;
      sink.level?.({ namespace: 'AWS/SQS', name, dimensions: { QueueName: this.name } }, 'Count', value);
    }
  }

  /** How many messages are visible, in flight and delayed. */
  get counts(): { visible: number; inFlight: number; delayed: number } {
    this.expire();
    const counts = { visible: 0, inFlight: 0, delayed: 0 };
    for (const message of this.messages)
      counts[message.visibleAt <= this.now ? 'visible' : message.receives > 0 ? 'inFlight' : 'delayed']++;
    return counts;
  }

  /** Bodies of all messages, oldest first, for tests and people. */
  get bodies(): readonly string[] {
    this.expire();
    return this.messages.map(({ body }) => body);
  }

  /** Calls `listener` whenever messages have become visible. @returns ends it */
  onVisible(listener: () => void): () => void {
    this.listeners.add(listener);
    this.arm();
    return () => this.listeners.delete(listener);
  }

  private add(message: Stored): void {
    this.messages.push(message);
    this.wake();
  }

  private take({ max, visibility, systemAttributes, attributes }: Receive): Message[] {
    this.expire();
    const fifo = isFifo(this.settings);
    const held = new Set<string>();
    const found: Message[] = [];
    for (const message of this.messages.slice()) {
      if (found.length === max) break;
      if (fifo && held.has(message.group ?? '')) continue;
      if (message.visibleAt > this.now) {
        // Of a group nothing comes before what was sent earlier.
        held.add(message.group ?? '');
        continue;
      }
      if (this.buries(message)) continue;
      message.receives++;
      message.firstReceivedAt ??= this.now;
      message.visibleAt = this.now + visibility * 1000;
      message.handle = `${Buffer.from(this.name).toString('base64url')}.${this.site.world.random.hex(48)}`;
      found.push(this.shown(message, systemAttributes, attributes));
    }
    return found;
  }

  /** Moves a message that was received too often to the dead-letter queue, if there is one. */
  private buries(message: Stored): boolean {
    const redrive = redriveOf(this.settings.RedrivePolicy);
    if (redrive === undefined || message.receives < redrive.maxReceiveCount) return false;
    const target = tell(this.deadLetters, redrive.deadLetterTargetArn);
    if (target === undefined) return false;
    this.messages.splice(this.messages.indexOf(message), 1);
    // The time of sending stays: a dead letter expires by the age of the message.
    const { handle: _handle, ...dead } = message;
    target.add({ ...dead, deadLetterSource: this.arn, visibleAt: this.now });
    return true;
  }

  private shown(message: Stored, systemAttributes: readonly string[], names: readonly string[]): Message {
    const system: Record<string, string> = {
      SenderId: message.senderId,
      SentTimestamp: String(Math.floor(message.sentAt)),
      ApproximateReceiveCount: String(message.receives),
      ApproximateFirstReceiveTimestamp: String(Math.floor(message.firstReceivedAt!)),
      ...(message.group === undefined ? {} : { MessageGroupId: message.group }),
      ...(message.deduplication === undefined ? {} : { MessageDeduplicationId: message.deduplication }),
      ...(message.sequence === undefined ? {} : { SequenceNumber: message.sequence }),
      ...(message.deadLetterSource === undefined ? {} : { DeadLetterQueueSourceArn: message.deadLetterSource }),
    };
    const wanted = Object.entries(system).filter(([name]) => systemAttributes.includes('All') || systemAttributes.includes(name));
    const custom = Object.fromEntries(
      Object.entries(message.attributes).filter(([name]) =>
        names.some(
          (one) =>
            one === 'All' || one === '.*' || one === '*' || one === name || (one.endsWith('.*') && name.startsWith(one.slice(0, -2))),
        ),
      ),
    );
    const digest = md5OfAttributes(custom);
    return {
      MessageId: message.id,
      ReceiptHandle: message.handle,
      MD5OfBody: md5(message.body),
      Body: message.body,
      ...(wanted.length === 0 ? {} : { Attributes: Object.fromEntries(wanted) }),
      ...(digest === undefined ? {} : { MessageAttributes: custom, MD5OfMessageAttributes: digest }),
    };
  }

  private requireOwn(handle: string): void {
    if (!handle.startsWith(`${Buffer.from(this.name).toString('base64url')}.`))
      throw new ServiceError('ReceiptHandleIsInvalid', `The input receipt handle "${handle}" is not a valid receipt handle.`);
  }

  private expire(): void {
    const oldest = this.now - this.seconds('MessageRetentionPeriod') * 1000;
    if (this.messages.some(({ sentAt }) => sentAt < oldest)) this.messages = this.messages.filter(({ sentAt }) => sentAt >= oldest);
  }

  /** Hands visible messages to those who wait, and tells those who listen. */
  private wake(): void {
    for (const [number, waiter] of [...this.waiters]) {
      const found = this.take(waiter.receive);
      if (found.length === 0) break;
      this.waiters.delete(number);
      this.site.world.clock.cancel(waiter.limit);
      waiter.answer(found);
    }
    this.report();
    if (this.messages.some(({ visibleAt }) => visibleAt <= this.now)) for (const listener of this.listeners) listener();
    this.arm();
  }

  /** A timer for the next message to become visible, only while somebody would notice. */
  private arm(): void {
    const { clock } = this.site.world;
    if (this.alarm !== undefined) clock.cancel(this.alarm);
    this.alarm = undefined;
    if (this.waiters.size === 0 && this.listeners.size === 0) return;
    const next = this.messages.reduce(
      (least, { visibleAt }) => (visibleAt > this.now ? Math.min(least, visibleAt) : least),
      Number.POSITIVE_INFINITY,
    );
    if (next === Number.POSITIVE_INFINITY) return;
    this.alarm = clock.at(next, `a message of ${this.name} becomes visible`, bound(this, this.becomeVisible));
  }

  private becomeVisible(): void {
    this.alarm = undefined;
    this.wake();
  }
}
