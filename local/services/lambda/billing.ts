/** What an invocation costs in Lambda time. Code takes no virtual time here, so durations are declared: time waited, plus so much for each request. */
import type { Labels, Meter } from '../../core/meter.ts';

/** Milliseconds, declared: the handler itself, one request to AWS, a start of a bundle of a few hundred KB. */
export const DECLARED = { handler: 2, request: 15, start: 250 } as const;

export interface Use {
  /** Virtual milliseconds that passed. */
  readonly waited: number;
  readonly requests: number;
  readonly cold: boolean;
  /** MB. */
  readonly memory: number;
}

export interface Bill {
  /** Milliseconds. */
  readonly duration: number;
  readonly init: number;
  /** Whole milliseconds; since August 2025 the start is billed too. */
  readonly billed: number;
}

export function billOf({ waited, requests, cold }: Use): Bill {
  const duration = waited + DECLARED.handler + requests * DECLARED.request;
  const init = cold ? DECLARED.start : 0;
  return { duration, init, billed: Math.ceil(duration + init) };
}

/** Counts one invocation. */
export function meterInvocation(meter: Meter, use: Use, bill: Bill, labels: Labels): void {
  meter.record('lambda.invocation', 1, labels);
  meter.record('lambda.gb-second', (bill.billed / 1000) * (use.memory / 1024), labels);
  if (use.cold) meter.record('lambda.cold-start', 1, labels);
}
