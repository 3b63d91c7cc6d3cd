/** How an invocation ends, and the error payloads in which Lambda says so. */
import { types } from 'node:util';
import type { End } from './life.ts';

/** The payload of a failed invocation. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html */
export interface ErrorPayload {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
  readonly [field: string]: unknown;
}

/** `payload` is JSON text. An `ended` environment must not be used again. */
export type Outcome =
  | { readonly kind: 'returned'; readonly payload: string }
  | { readonly kind: 'failed'; readonly error: ErrorPayload; readonly ended: boolean };

/** An error that the runtime itself raises, such as `Runtime.HandlerNotFound`. */
export class RuntimeError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
    this.stack = `${name}: ${message}`;
  }
}

/** Only frames of the function's own code and of Node: where this emulation lies on a disk is nobody's business and not repeatable. */
const frames = (stack: string) => stack.split('\n').filter((line) => !/^\s+at /.test(line) || /\/var\/task|\(node:|at node:/.test(line));

/** The error payload that the Node.js runtime makes of what a handler threw. */
export function errorPayload(error: unknown): ErrorPayload {
  if (
    !types.isNativeError(error) &&
    !(typeof error === 'object' && error !== null && 'name' in error && 'message' in error && 'stack' in error)
  )
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  const { name, message, stack } = error as Error;
  return { errorType: String(name), errorMessage: String(message), trace: frames(String(stack ?? `${name}: ${message}`)) };
}

/** The payload when a promise of the function was rejected and nobody caught it. */
export function unhandledRejection(reason: unknown): ErrorPayload {
  const message = String(reason);
  return {
    errorType: 'Runtime.UnhandledPromiseRejection',
    errorMessage: message,
    trace: [`Runtime.UnhandledPromiseRejection: ${message}`],
  };
}

/** The payload when the environment ended during an invocation. */
export function endPayload(end: End, requestId: string, timeoutSeconds: number): ErrorPayload {
  switch (end.kind) {
    case 'timeout':
      return {
        errorType: 'Sandbox.Timedout',
        errorMessage: `RequestId: ${requestId} Error: Task timed out after ${timeoutSeconds.toFixed(2)} seconds`,
      };
    case 'exit':
      return {
        errorType: 'Runtime.ExitError',
        errorMessage: `RequestId: ${requestId} Error: ${
          end.code === 0 ? 'Runtime exited without providing a reason' : `Runtime exited with error: exit status ${end.code}`
        }`,
      };
    case 'crash':
      return end.rejected ? unhandledRejection(end.error) : errorPayload(end.error);
    case 'killed':
    case 'recycled':
      return { errorType: 'Runtime.ExitError', errorMessage: `RequestId: ${requestId} Error: Runtime exited without providing a reason` };
  }
}
