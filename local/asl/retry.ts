/** The Retry and Catch fields: whether and when a failed state runs again, and where it goes if it does not. */
import type { Random } from '../core/random.ts';
import { matchesError, type StateError } from './error.ts';
import type { Flow } from './jsonpath/flow.ts';
import type { Template } from './template.ts';

export interface Retrier {
  readonly errors: readonly string[];
  /** @default 1 */
  readonly intervalSeconds: number;
  /** Retries, not runs. @default 3 */
  readonly maxAttempts: number;
  /** @default 2 */
  readonly backoffRate: number;
  readonly maxDelaySeconds: number | undefined;
  /** A delay anywhere between zero and the computed one. @default false, `JitterStrategy: NONE` */
  readonly jitter: boolean;
}

export interface Catcher {
  readonly errors: readonly string[];
  readonly next: string;
  /** In JSONPath: where its output goes. */
  readonly flow: Flow | undefined;
  readonly assign: Template | undefined;
  readonly output: Template | undefined;
}

/** Seconds before the retry that follows `retries` earlier ones. */
export function retryDelay(retrier: Retrier, retries: number, random?: Random): number {
  const full = Math.min(retrier.intervalSeconds * retrier.backoffRate ** retries, retrier.maxDelaySeconds ?? Number.POSITIVE_INFINITY);
  return retrier.jitter && random !== undefined ? full * random.next() : full;
}

/** Counts, for one visit of a state, how often each retrier has been used. */
export class Retries {
  private readonly retriers: readonly Retrier[];
  private readonly used: number[];

  constructor(retriers: readonly Retrier[]) {
    this.retriers = retriers;
    this.used = retriers.map(() => 0);
  }

  /** Retries so far, of all retriers: the context's `State.RetryCount`. */
  get count(): number {
    return this.used.reduce((sum, times) => sum + times, 0);
  }

  /** The first retrier that lists the error decides. @returns seconds to wait, or undefined where it is given up */
  next(error: StateError, random: Random): number | undefined {
    const index = this.retriers.findIndex(({ errors }) => matchesError(errors, error));
    const retrier = this.retriers[index];
    if (retrier === undefined || this.used[index]! >= retrier.maxAttempts) return undefined;
    return retryDelay(retrier, this.used[index]!++, random);
  }
}

/** The first catcher that lists the error. */
export function catcherOf(catchers: readonly Catcher[], error: StateError): Catcher | undefined {
  return catchers.find(({ errors }) => matchesError(errors, error));
}
