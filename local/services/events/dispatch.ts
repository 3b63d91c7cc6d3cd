/** Brings one payload to one target: tried again while that makes sense, then to the dead-letter queue. What rules and schedules have in common. */
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
  /** Sends once. @throws ServiceError, ConnectionError */
  readonly send: () => Promise<unknown>;
  /** Called once, when it has arrived or was given up. */
  readonly done?: () => void;
  readonly deadLetter?:
    | {
        readonly arn: string;
        readonly principal: () => Principal;
        readonly body: string;
        readonly attributes: (failure: Failure) => Readonly<Record<string, string>>;
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
  const { clock, random } = site.world;
  const attempt = async (attempts: number): Promise<void> => {
    try {
      await one.send();
    } catch (error) {
      if (!(error instanceof ServiceError || error instanceof ConnectionError)) throw error;
      const failure = { code: error.code, message: error.message, attempts };
      if (!isRetriable(error)) return giveUp(site, one, { ...failure, condition: undefined });
      const full = Math.min(BACKOFF.first * 2 ** attempts, BACKOFF.most);
      const wait = full / 2 + random.integer(full / 2);
      if (attempts >= one.maximumRetryAttempts) return giveUp(site, one, { ...failure, condition: 'MaximumRetryAttempts' });
      if (clock.now() + wait > one.from + one.maximumEventAgeInSeconds * 1000)
        return giveUp(site, one, { ...failure, condition: 'MaximumEventAgeInSeconds' });
      clock.after(wait, `${one.what} is tried again`, () => attempt(attempts + 1));
      return;
    }
    one.done?.();
  };
  await attempt(0);
}

async function giveUp(site: Site, { deadLetter, done }: Dispatch, failure: Failure): Promise<void> {
  try {
    if (deadLetter === undefined) return;
    const { arn, body, attributes, principal } = deadLetter;
    await deliver(site, principal(), { arn, body, attributes: attributes(failure) });
  } catch (error) {
    // A dead-letter queue that refuses loses the event, as on AWS.
    if (!(error instanceof ServiceError || error instanceof ConnectionError)) throw error;
  } finally {
    done?.();
  }
}
