/** What FIFO queues add: groups in order, and no message twice within five minutes. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html */
import { createHash } from 'node:crypto';
import { ServiceError } from '../../core/service.ts';

/** How long a deduplication id is remembered, in milliseconds. */
const REMEMBERED = 5 * 60_000;
/** "Changes may take up to 60 seconds to propagate": https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html */
const PROPAGATION = 60_000;

const ID = /^[\w!"#$%&'()*+,./:;<=>?@[\\\]^`{|}~-]{1,128}$/;

const invalid = (message: string) => new ServiceError('InvalidParameterValue', message);

/** @throws ServiceError InvalidParameterValue */
export function checkId(parameter: 'MessageGroupId' | 'MessageDeduplicationId', value: string | undefined): void {
  if (value !== undefined && !ID.test(value))
    throw invalid(
      `Value ${value} for parameter ${parameter} is invalid. Reason: ${parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
    );
}

/** What a FIFO queue asks of a message. */
export interface Ids {
  readonly group?: string | undefined;
  readonly deduplication?: string | undefined;
}

/** @throws ServiceError MissingParameter, InvalidParameterValue */
export function checkFifoIds(settings: Readonly<Record<string, string>>, { group, deduplication }: Ids): void {
  if (group === undefined) throw new ServiceError('MissingParameter', 'The request must contain the parameter MessageGroupId.');
  if (deduplication === undefined && settings.ContentBasedDeduplication !== 'true')
    throw invalid('The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly');
}

/** The id that a body has by its content. */
export const contentId = (body: string) => createHash('sha256').update(body).digest('hex');

/** What was sent with a deduplication id. */
export interface Sent {
  readonly id: string;
  readonly sequence: string;
}

/** What a queue remembers of the messages of the last minutes. */
export class Deduplication {
  private readonly sent = new Map<string, Sent & { readonly at: number }>();
  private scope: string;
  private next: { readonly scope: string; readonly from: number } | undefined;
  private count = 0;

  constructor(scope: string) {
    this.scope = scope;
  }

  /** A new scope, which holds a minute later. */
  rescope(scope: string, now: number): void {
    this.next = { scope, from: now + PROPAGATION };
  }

  private key(group: string, id: string, now: number): string {
    if (this.next !== undefined && now >= this.next.from) {
      this.scope = this.next.scope;
      this.next = undefined;
    }
    return this.scope === 'messageGroup' ? `${group}\n${id}` : `\n${id}`;
  }

  /** The message that was sent with this id lately. */
  find(group: string, id: string, now: number): Sent | undefined {
    for (const [key, { at }] of this.sent) if (at + REMEMBERED <= now) this.sent.delete(key);
    return this.sent.get(this.key(group, id, now));
  }

  /** @returns its number in the queue: twenty digits, growing */
  remember(group: string, deduplication: string, id: string, now: number): string {
    this.count++;
    const sequence = String(18_800_000_000_000_000_000n + BigInt(this.count) * 256n);
    this.sent.set(this.key(group, deduplication, now), { id, sequence, at: now });
    return sequence;
  }
}
