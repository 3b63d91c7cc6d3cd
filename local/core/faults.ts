/** Makes chosen calls and events go wrong, and remembers calls so that a sweep can name each of them. */
import type { Clock } from './clock.ts';

/**
 * How a call goes wrong. `timeout-before`: nothing happened and no answer came. `timeout-after`: the effect
 * happened and the answer is lost. `kill-before` and `kill-after`: the calling Lambda ends at this call.
 * `conflict`: a write of DynamoDB meets a transaction that is under way for the same item.
 */
export type CallFaultKind = 'throttle' | 'error-500' | 'timeout-before' | 'timeout-after' | 'kill-before' | 'kill-after' | 'conflict';

/** The calls that a `conflict` can strike. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling */
const CONFLICTING: ReadonlySet<string> = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems']);

/** One API call as faults see it. */
export interface ObservedCall {
  /** Counts from 1 over all calls of the world. */
  readonly index: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly account: string;
  readonly region: string;
  readonly service: string;
  readonly operation: string;
  /** The name of the role or user, or a service principal such as `events.amazonaws.com`. */
  readonly caller: string;
  /** The request id of the Lambda invocation that makes the call, if one does. */
  readonly invocation?: string;
  /** What it asks, in the shape of the SDK. */
  readonly input: object;
}

/** Which calls are meant: each given member must be equal; a function decides freely. */
export type CallMatch = Partial<Omit<ObservedCall, 'time' | 'input'>> | ((call: ObservedCall) => boolean);

export interface CallFault {
  readonly kind: CallFaultKind;
  /** @default every call */
  readonly match?: CallMatch;
  /** From which matching call on, counted from 1. @default 1 */
  readonly nth?: number;
  /** How many matching calls in a row. @default 1 */
  readonly times?: number;
}

/** An event on a bus, as far as faults need it. */
export interface ObservedEvent {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: unknown;
}

export interface EventFault {
  /** @default every event */
  readonly match?: { readonly source?: string; readonly 'detail-type'?: string } | ((event: ObservedEvent) => boolean);
  /** @default 1 */
  readonly nth?: number;
  /** @default 1 */
  readonly times?: number;
  /** Delays in milliseconds, one for each delivery: `[]` loses the event, `[0, 0]` doubles it, `[60_000]` is late, past its successors. */
  readonly deliver: readonly number[];
}

/** Thrown through `world.http` into the Lambda runtime: the sandbox ends here, as by a crash of its host; no code of the function runs on. */
export class LambdaKilled extends Error {
  readonly invocation: string;

  constructor(invocation: string, call: string) {
    super(`the Lambda invocation ${invocation} was killed at ${call}`);
    this.name = 'LambdaKilled';
    this.invocation = invocation;
  }
}

/**
 * The header by which the Lambda runtime's own `http` tells the front which invocation calls, so that logs and
 * kill faults can name it. It is not signed and never part of a request that code sees.
 */
export const INVOCATION_HEADER = 'x-local-aws-invocation';

interface Armed<Fault> {
  readonly fault: Fault;
  seen: number;
}

export class Faults {
  private readonly clock: Clock;
  private readonly callFaults: Armed<CallFault>[] = [];
  private readonly eventFaults: Armed<EventFault>[] = [];
  private log: ObservedCall[] | undefined;
  private count = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Arms a fault. Where several match the same call, the one armed first strikes; all of them count the call. */
  add(fault: CallFault): void {
    this.callFaults.push({ fault, seen: 0 });
  }

  addEvent(fault: EventFault): void {
    this.eventFaults.push({ fault, seen: 0 });
  }

  /** Disarms everything. The log of calls stays. */
  clear(): void {
    this.callFaults.length = 0;
    this.eventFaults.length = 0;
  }

  /** Starts remembering calls; what was remembered before is dropped. */
  record(): void {
    this.log = [];
  }

  /** The calls since {@link record}. */
  get calls(): readonly ObservedCall[] {
    return this.log ?? [];
  }

  /** For the front: notes a call and says whether and how it goes wrong. */
  call(call: Omit<ObservedCall, 'index' | 'time'>): CallFaultKind | undefined {
    this.count++;
    if (this.log === undefined && this.callFaults.length === 0) return undefined;
    const observed: ObservedCall = { index: this.count, time: this.clock.now(), ...call };
    this.log?.push(observed);
    let struck: CallFaultKind | undefined;
    for (const armed of this.callFaults) {
      const { kind, match } = armed.fault;
      // Only a Lambda can be killed; a kill that counted other calls would never strike where it was aimed.
      if (kind.startsWith('kill') && call.invocation === undefined) continue;
      if (kind === 'conflict' && !(call.service === 'dynamodb' && CONFLICTING.has(call.operation))) continue;
      if (match !== undefined && !matches(match, observed)) continue;
      if (strikes(armed)) struck ??= kind;
    }
    return struck;
  }

  /** For the events service: when, from now on, this event arrives. Asked once for each event, in the order they were put. */
  event(event: ObservedEvent): { readonly deliver: readonly number[] } {
    let struck: EventFault | undefined;
    for (const armed of this.eventFaults) {
      const { match } = armed.fault;
      if (match !== undefined && !matches(match, event)) continue;
      if (strikes(armed)) struck ??= armed.fault;
    }
    return { deliver: struck?.deliver ?? [0] };
  }
}

/** Counts a match and says whether it lies in the fault's range. */
function strikes(armed: Armed<{ readonly nth?: number; readonly times?: number }>): boolean {
  armed.seen++;
  const first = armed.fault.nth ?? 1;
  return armed.seen >= first && armed.seen < first + (armed.fault.times ?? 1);
}

function matches<Subject extends object>(match: Partial<Subject> | ((subject: Subject) => boolean), subject: Subject): boolean {
  if (typeof match === 'function') return match(subject);
  return (Object.keys(match) as (keyof Subject)[]).every((name) => match[name] === undefined || match[name] === subject[name]);
}
