/** Brings one payload to one target: tried again while that makes sense, then to the dead-letter queue. What rules and schedules have in common. */
import { type Bound, bound } from '../../core/bound.ts';
import { ConnectionError } from '../../core/http.ts';
import { type Principal, ServiceError } from '../../core/service.ts';
import type { Site } from '../../core/site.ts';
import { deliver } from './delivery.ts';

export interface Dispatch {
  /** For people: what is on its way. */
  readonly what: string;
  /** Milliseconds since the epoch: when the event happened. */
  readonly from: number;
  readonly maximumRetryAttempts: number;
  readonly maximumEventAgeInSeconds: number;
  /** Sends once; hears how many attempts came before. Throws ServiceError, ConnectionError. */
  readonly send: Bound;
  /** Called once, when it has arrived or was given up. */
  readonly done?: Bound;
  readonly deadLetter?:
    | {
        readonly arn: string;
        /** Gives the {@link Principal} that sends to it. */
        readonly principal: Bound;
        readonly body: string;
        /** Gives the attributes of the message for a {@link Failure}. */
        readonly attributes: Bound;
      }
    | undefined;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly attempts: number;
  readonly condition: 'MaximumRetryAttempts' | 'MaximumEventAgeInSeconds' | undefined;
}

/** Retry policy where none is given. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html */
export const RETRY_POLICY = { maximumRetryAttempts: 185, maximumEventAgeInSeconds: 86_400 } as const;

/** The wait before a retry doubles from one second to ten minutes, with jitter (judgement: AWS does not publish it). */
const BACKOFF = { first: 1_000, most: 600_000 };

/** A missing permission or target is not tried again. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html */
function isRetriable(error: ServiceError | ConnectionError): boolean {
  if (error instanceof ConnectionError) return true;
  return error.status >= 500 || error.status === 429 || /Throttl|TooManyRequests|RequestLimit/.test(error.code);
}

/** Sends at once. The promise ends with the first attempt; retries follow on the clock. */
export async function dispatch(site: Site, one: Dispatch): Promise<void> {
  await new Dispatching(site, one).attempt(0);
}

/** One payload on its way. */
export class Dispatching {
  private readonly site: Site;
  private readonly one: Dispatch;

  constructor(site: Site, one: Dispatch) {
    this.site = site;
    this.one = one;
  }

  async attempt(attempts: number): Promise<void> {
    const { one } = this;
    const { clock, random } = this.site.world;
    try {
      await one.send.run(attempts);
    } catch (error) {
      if (!(error instanceof ServiceError || error instanceof ConnectionError)) throw error;
      const failure = { code: error.code, message: error.message, attempts };
      if (!isRetriable(error)) return this.giveUp({ ...failure, condition: undefined });
      const full = Math.min(BACKOFF.first * 2 ** attempts, BACKOFF.most);
      const wait = full / 2 + random.integer(full / 2);
      if (attempts >= one.maximumRetryAttempts) return this.giveUp({ ...failure, condition: 'MaximumRetryAttempts' });
      if (clock.now() + wait > one.from + one.maximumEventAgeInSeconds * 1000)
        return this.giveUp({ ...failure, condition: 'MaximumEventAgeInSeconds' });
      clock.after(wait, `${one.what} is tried again`, bound(this, this.attempt, attempts + 1));
      return;
    }
    one.done?.run();
  }

  private async giveUp(failure: Failure): Promise<void> {
    const { deadLetter, done } = this.one;
    try {
      if (deadLetter === undefined) return;
      const { arn, body, attributes, principal } = deadLetter;
      await deliver(this.site, principal.run() as Principal, {
        arn,
        body,
        attributes: attributes.run(failure) as Readonly<Record<string, string>>,
      });
    } catch (error) {
      // A dead-letter queue that refuses loses the event, as on AWS.
      if (!(error instanceof ServiceError || error instanceof ConnectionError)) throw error;
    } finally {
      done?.run();
    }
  }
}
