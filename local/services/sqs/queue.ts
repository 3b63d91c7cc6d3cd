/** One queue: messages become visible, are received, come back, are deleted or move to the dead-letter queue. */
import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import type { Timer } from '../../core/clock.ts';
import { ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { md5, md5OfAttributes } from './digest.ts';

/** Attribute names and their defaults; all values are text, as in the API. */
export const DEFAULTS: Readonly<Record<string, string>> = {
  DelaySeconds: '0',
  MaximumMessageSize: '1048576',
  MessageRetentionPeriod: '345600',
  ReceiveMessageWaitTimeSeconds: '0',
  VisibilityTimeout: '30',
  SqsManagedSseEnabled: 'true',
};

/** What SetQueueAttributes may change beyond {@link DEFAULTS}. */
export const SETTABLE: ReadonlySet<string> = new Set([...Object.keys(DEFAULTS), 'Policy', 'RedrivePolicy', 'RedriveAllowPolicy']);

export interface Stored {
  readonly id: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, MessageAttributeValue>>;
  readonly sentAt: number;
  readonly senderId: string;
  readonly group?: string;
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

interface Waiter {
  readonly receive: Receive;
  readonly answer: (messages: Message[]) => void;
  readonly limit: Timer;
}

export class Queue {
  readonly name: string;
  readonly arn: string;
  readonly url: string;
  readonly createdAt: number;
  readonly settings: Record<string, string>;
  tags: Record<string, string> = {};
  private readonly site: Site;
  private readonly deadLetters: (arn: string) => Queue | undefined;
  private messages: Stored[] = [];
  private readonly waiters: Waiter[] = [];
  private readonly listeners = new Set<() => void>();
  private alarm: Timer | undefined;

  /** @param deadLetters finds the queue of an ARN */
  constructor(site: Site, name: string, settings: Record<string, string>, deadLetters: (arn: string) => Queue | undefined) {
    this.site = site;
    this.name = name;
    this.settings = { ...DEFAULTS, ...settings };
    this.deadLetters = deadLetters;
    this.arn = site.arn('sqs', name);
    this.url = `https://sqs.${site.region}.amazonaws.com/${site.account}/${name}`;
    this.createdAt = site.world.clock.now();
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
    /** Seconds. */
    readonly delay?: number;
  }): Stored {
    const { body, attributes = {}, senderId, group, delay = this.seconds('DelaySeconds') } = message;
    if (body === '') throw new ServiceError('InvalidParameterValue', 'The request must contain the parameter MessageBody.');
    if (Buffer.byteLength(body) > this.seconds('MaximumMessageSize'))
      throw new ServiceError(
        'InvalidParameterValue',
        `One or more parameters are invalid. Reason: Message must be shorter than ${this.settings.MaximumMessageSize} bytes.`,
      );
    if (/[^\t\n\r\u0020-\ufffd]/.test(body))
      throw new ServiceError(
        'InvalidMessageContents',
        'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF',
      );
    const stored: Stored = {
      id: this.site.world.random.uuid(),
      body,
      attributes,
      sentAt: this.now,
      senderId,
      ...(group === undefined ? {} : { group }),
      visibleAt: this.now + delay * 1000,
      receives: 0,
    };
    this.add(stored);
    return stored;
  }

  /** Messages that are visible now, or become so while the request waits. */
  receive(receive: Receive): Message[] | Promise<Message[]> {
    const found = this.take(receive);
    if (found.length > 0 || receive.wait === 0) return found;
    return new Promise((resolve) => {
      const limit = this.site.world.clock.after(receive.wait * 1000, `a request to ${this.name} stops waiting`, () => {
        this.waiters.splice(this.waiters.indexOf(waiter), 1);
        resolve([]);
      });
      const waiter: Waiter = { receive, answer: resolve, limit };
      this.waiters.push(waiter);
      this.arm();
    });
  }

  /** A handle of an earlier receipt deletes nothing, and says so to nobody. @throws ServiceError ReceiptHandleIsInvalid */
  delete(handle: string): void {
    this.requireOwn(handle);
    this.messages = this.messages.filter((message) => message.handle !== handle);
  }

  /** @throws ServiceError ReceiptHandleIsInvalid, MessageNotInflight, InvalidParameterValue */
  changeVisibility(handle: string, seconds: number): void {
    this.requireOwn(handle);
    if (!(seconds >= 0 && seconds <= 43_200))
      throw new ServiceError(
        'InvalidParameterValue',
        `Value ${seconds} for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200, if provided.`,
      );
    const message = this.messages.find((one) => one.handle === handle);
    if (message === undefined || message.visibleAt <= this.now)
      throw new ServiceError('MessageNotInflight', 'The specified message is not in flight.');
    message.visibleAt = this.now + seconds * 1000;
    this.wake();
  }

  purge(): void {
    this.messages = [];
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
    const found: Message[] = [];
    for (const message of this.messages.slice()) {
      if (found.length === max) break;
      if (message.visibleAt > this.now || this.buries(message)) continue;
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
    if (this.settings.RedrivePolicy === undefined || this.settings.RedrivePolicy === '') return false;
    const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(this.settings.RedrivePolicy);
    if (message.receives < Number(maxReceiveCount)) return false;
    const target = this.deadLetters(deadLetterTargetArn);
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
      ...(message.deadLetterSource === undefined ? {} : { DeadLetterQueueSourceArn: message.deadLetterSource }),
    };
    const wanted = Object.entries(system).filter(([name]) => systemAttributes.includes('All') || systemAttributes.includes(name));
    const custom = Object.fromEntries(
      Object.entries(message.attributes).filter(([name]) =>
        names.some((one) => one === 'All' || one === '.*' || one === name || (one.endsWith('.*') && name.startsWith(one.slice(0, -2)))),
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
    for (const waiter of this.waiters.slice()) {
      const found = this.take(waiter.receive);
      if (found.length === 0) break;
      this.waiters.splice(this.waiters.indexOf(waiter), 1);
      this.site.world.clock.cancel(waiter.limit);
      waiter.answer(found);
    }
    if (this.messages.some(({ visibleAt }) => visibleAt <= this.now)) for (const listener of this.listeners) listener();
    this.arm();
  }

  /** A timer for the next message to become visible, only while somebody would notice. */
  private arm(): void {
    const { clock } = this.site.world;
    if (this.alarm !== undefined) clock.cancel(this.alarm);
    this.alarm = undefined;
    if (this.waiters.length === 0 && this.listeners.size === 0) return;
    const next = this.messages.reduce(
      (least, { visibleAt }) => (visibleAt > this.now ? Math.min(least, visibleAt) : least),
      Number.POSITIVE_INFINITY,
    );
    if (next === Number.POSITIVE_INFINITY) return;
    this.alarm = clock.at(next, `a message of ${this.name} becomes visible`, () => {
      this.alarm = undefined;
      this.wake();
    });
  }
}
