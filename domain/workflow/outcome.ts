/** How releases, promotions and executions end. */

/** How something ended. A rule or a person said no: refused. The deployment or its checks failed: failed. Our machinery broke: errored. */
export type OutcomeKind = 'succeeded' | 'superseded' | 'refused' | 'failed' | 'errored';

/** The error with which an execution ends that a person has aborted. */
export const ABORTED = 'Aborted';

export interface Outcome {
  readonly outcome: OutcomeKind;
  /** In words a person can act on. Empty when it succeeded. */
  readonly reason: string;
}

/**
 * A function's error as Step Functions hands it on: JSON with the trace of the bundle's code, perhaps cut off, as a cause has at most
 * 32,768 characters. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html
 */
const ERROR = /\{"errorType":"([^"]*)"(?:,"errorMessage":("(?:[^"\\]|\\.)*"))?(?:\}|,"trace":\[(?:"(?:[^"\\]|\\.)*",?)*\]\}|.*$)/gs;

/** A reason in words: what people read of a function's error is its message. */
export const inWords = (reason: string): string =>
  reason.replace(ERROR, (_, errorType: string, message?: string) => (message ? (JSON.parse(message) as string) : errorType));
