/** Plays a recorded sequence of calls against local AWS, and says where it goes another way than on AWS. */
import { ACCOUNT, Account, type Outcome, STAY } from './account.ts';
import type { Behaviour } from './environment.ts';
import { compareHistory, type RecordedEvent } from './history.ts';
import { asOf } from './known.ts';
import { filled, Likeness } from './likeness.ts';

interface CallStep {
  readonly step: number;
  readonly service?: string;
  readonly operation?: string;
  readonly request?: object;
  readonly answer?: unknown;
  readonly answerParts?: readonly { readonly at: string; readonly value: unknown }[];
  readonly refused?:
    | true
    | {
        readonly error?: string;
        readonly message?: string;
        readonly details?: Readonly<Record<string, unknown>>;
        readonly byTheClient?: boolean;
      };
  readonly mayBeRefused?: boolean;
  readonly retried?: boolean;
  readonly meanwhile?: boolean;
  readonly wait?: string;
  readonly of?: readonly string[];
  readonly actor?: { readonly forEachMessageIn: string; readonly service: string; readonly operation: string; readonly request: object };
}

export interface Sequence {
  readonly name: string;
  /** Day-month-year, time. */
  readonly recorded: string;
  readonly steps: readonly CallStep[];
  readonly placeholders?: Readonly<Record<string, string>>;
  readonly ambiguousPlaceholders?: Readonly<Record<string, readonly string[]>>;
  readonly lambdas?: readonly Behaviour[];
  readonly definition?: object;
  readonly otherStateMachines?: readonly { readonly definition: object }[];
  readonly expected?: { readonly status: string; readonly output?: unknown; readonly history?: readonly RecordedEvent[] };
}

/** What a client needs between two of its calls. */
const BETWEEN = 0.1;
/** The second form stands in texts that are JSON. */
const REFERENCE = /\{\{([^{}]+)\}\}|\\u27e6#(.+?)\\u27e7/g;
/** Seconds that a wait for something takes which is there at once here. */
const GLANCE = 2;

/** @returns why the case differs; undefined where it agrees */
export async function play(one: Sequence): Promise<string | undefined> {
  return new Player(filled(one, stayOf(one))).run();
}

/** Placeholders that the case itself explains are its own. */
const stayOf = ({ placeholders = {}, ambiguousPlaceholders = {} }: Sequence): ReadonlyMap<string, string> =>
  new Map([...STAY].filter(([name]) => !(name in placeholders) && !(name in ambiguousPlaceholders)));

class Player {
  private readonly one: Sequence;
  private readonly account: Account;
  private readonly likeness: Likeness;
  private readonly answers = new Map<number, Readonly<Record<string, unknown>>>();
  private readonly known = new Map<string, string>();
  private readonly actors: { readonly step: CallStep; readonly queue: string }[] = [];

  constructor(one: Sequence) {
    this.one = one;
    const chosen = Object.entries(one.placeholders ?? {}).filter(([, value]) => !value.includes('{{'));
    this.account = new Account({ lambdas: filled(one.lambdas ?? [], new Map(chosen)) });
    this.likeness = new Likeness(Object.keys(one.ambiguousPlaceholders ?? {}));
    this.learn();
  }

  async run(): Promise<string | undefined> {
    for (const step of this.one.steps) {
      const why = await this.step(step);
      if (why !== undefined) return `step ${step.step}, ${step.operation ?? step.wait ?? 'a worker'}: ${why}`;
      await this.account.pass(BETWEEN);
    }
    return undefined;
  }

  private async step(step: CallStep): Promise<string | undefined> {
    if (step.wait !== undefined) return this.wait(step.wait, step.of ?? []);
    if (step.actor !== undefined) {
      this.actors.push({ step, queue: this.resolved(step.actor.forEachMessageIn) as string });
      return undefined;
    }
    const { service = '', operation = '', refused } = step;
    // What the client for Python does not even send says nothing of AWS.
    if (typeof refused === 'object' && refused.byTheClient === true) return undefined;
    for (let tries = 0; ; tries++) {
      const meanings = this.likeness.save();
      const outcome = await this.call(service, operation, this.resolved(step.request ?? {}) as object);
      if ('answer' in outcome) this.answers.set(step.step, outcome.answer);
      const why = this.judge(step, outcome);
      const ready = why === undefined && this.suffices(step.step) && !(isOnlyAwaited(step) && isUnready(step, outcome));
      if (tries >= 100 || ready || !(step.retried === true || isEarly(step, outcome))) return why;
      this.likeness.restore(meanings);
      await this.pass(1);
    }
  }

  private async call(service: string, operation: string, request: object): Promise<Outcome> {
    // Roles are not what is judged; those that a request names are there.
    for (const [arn] of JSON.stringify(request).matchAll(/arn:aws:iam::\d+:role\/[\w+=,.@/-]+/g))
      if (service === 'stepfunctions' && !arn.includes('invalid')) this.account.role(arn);
    if (service === 'iam') return this.role(request as { readonly RoleName: string });
    return this.account.call(service, operation, request);
  }

  /** A role that is made, or given a policy, may do everything: permissions are not what is judged. */
  private role({ RoleName }: { readonly RoleName: string }): Outcome {
    const arn = `arn:aws:iam::${ACCOUNT}:role/${RoleName}`;
    this.account.role(arn);
    return { answer: { Role: { Arn: arn, RoleName } } };
  }

  private judge(step: CallStep, outcome: Outcome): string | undefined {
    const { refused } = step;
    this.learn();
    if ('refused' in outcome) {
      const { error, message, fields } = outcome.refused;
      // What was repeated until it went as the test wanted it may go any way, if nothing of it was recorded.
      if (step.mayBeRefused === true || refused === true || isOnlyAwaited(step)) return undefined;
      if (refused === undefined) return `refused with ${error}: ${message}`;
      const { details = {} } = refused;
      return (
        (refused.error === undefined ? undefined : this.likeness.difference(this.filled(refused.error), error, 'error')) ??
        (refused.message === undefined ? undefined : this.likeness.difference(this.filled(refused.message), message, 'message')) ??
        this.details(details, fields)
      );
    }
    const { answer } = outcome;
    if (refused !== undefined) return step.mayBeRefused === true ? undefined : `was not refused, recorded ${JSON.stringify(refused)}`;
    if (step.answer === '{{expected}}') return this.expected(answer as { readonly events: readonly RecordedEvent[] });
    if (step.answer !== undefined) return this.likeness.difference(this.filled(step.answer), asOf(this.one.recorded, answer));
    for (const { at, value } of step.answerParts ?? []) {
      const why = this.likeness.difference(this.filled(value), follow(answer, at), at);
      if (why !== undefined) return why;
    }
    return undefined;
  }

  /** Members of an error beside its name and message, as far as they were recorded; two of them are for clients of query services only. */
  private details(recorded: Readonly<Record<string, unknown>>, fields: Readonly<Record<string, unknown>>) {
    const { QueryErrorCode: _code, Type: _type, ...details } = recorded;
    const got = Object.fromEntries(Object.entries(fields).filter(([name]) => name in details));
    return this.likeness.difference(this.filled(details), got);
  }

  private expected({ events }: { readonly events: readonly RecordedEvent[] }): string | undefined {
    const { history } = this.one.expected!;
    return compareHistory(this.likeness, this.filled(history ?? []), asOf(this.one.recorded, events));
  }

  private async wait(what: string, of: readonly string[]): Promise<string | undefined> {
    const seconds = /^([\d.]+) seconds?$/.exec(what)?.[1];
    if (seconds !== undefined) await this.pass(Number(seconds));
    else if (/^execution (?:terminated|success|aborted|failed)/.test(what)) {
      for (const name of of) {
        const executionArn = this.resolved(name) as string;
        for (let tries = 0; ; tries++) {
          const outcome = await this.account.call('stepfunctions', 'DescribeExecution', { executionArn });
          if ('refused' in outcome || outcome.answer.status !== 'RUNNING') break;
          if (tries > 5000) return `${executionArn} does not end`;
          await this.pass(1);
        }
      }
    } else await this.pass(what === 'table active' ? 60 : GLANCE);
    return undefined;
  }

  /** Lets time pass; the workers do their work. */
  private async pass(seconds: number): Promise<void> {
    await this.account.pass(seconds);
    for (const { step, queue } of this.actors) {
      const { service, operation, request } = step.actor!;
      const received = await this.account.call('sqs', 'ReceiveMessage', { QueueUrl: queue, MaxNumberOfMessages: 10 });
      if ('refused' in received) throw new Error(`the worker cannot receive: ${received.refused.message}`);
      for (const message of (received.answer.Messages ?? []) as readonly Readonly<Record<string, unknown>>[]) {
        const done = await this.account.call(service, operation, this.resolved(request, message) as object);
        if ('refused' in done) throw new Error(`the worker was refused: ${done.refused.message}`);
        await this.account.call('sqs', 'DeleteMessage', { QueueUrl: queue, ReceiptHandle: message.ReceiptHandle });
      }
    }
  }

  /** Whether everything that later steps take from this answer is in it. */
  private suffices(step: number): boolean {
    return [...JSON.stringify(this.one.steps).matchAll(REFERENCE)]
      .map(([, path = '']) => path)
      .filter((path) => path.startsWith(`${step}.`))
      .every((path) => follow(this.answers.get(step), path.slice(path.indexOf('.') + 1)) !== undefined);
  }

  /** Placeholders that stand for a part of an answer get their meaning with it. */
  private learn(): void {
    for (const [name, meaning] of Object.entries(this.one.placeholders ?? {})) {
      if (this.known.has(name)) continue;
      const value = this.resolved(meaning);
      if (typeof value === 'string' && !/\{\{/.test(value)) this.known.set(name, value);
    }
  }

  private filled<T>(value: T): T {
    return filled(value, this.known);
  }

  /** A request with everything in the place of its placeholders and references. */
  private resolved(value: unknown, message?: object): unknown {
    if (typeof value === 'string') {
      const text = this.filled(value);
      const whole = /^\{\{([^{}]+)\}\}$/.exec(text);
      if (whole !== null) return this.referred(whole[1]!, message) ?? text;
      return text.replace(REFERENCE, (written, path: string | undefined, inner: string) => {
        const found = this.referred(path ?? inner, message);
        return found === undefined ? written : String(found);
      });
    }
    if (Array.isArray(value)) return value.map((one) => this.resolved(one, message));
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [this.filled(name), this.resolved(one, message)]));
    return value;
  }

  private referred(path: string, message?: object): unknown {
    const [head = '', ...rest] = path.split('.');
    if (head === 'message') return follow(message, rest.join('.'));
    if (head === 'definition') return JSON.stringify(this.filled(this.one.definition));
    if (head === 'otherStateMachines') return JSON.stringify(this.filled(this.one.otherStateMachines?.[Number(rest[0])]?.definition));
    return follow(this.answers.get(Number(head)), rest.join('.'));
  }
}

const isOnlyAwaited = ({ retried, answer, answerParts, refused }: CallStep): boolean =>
  retried === true && answer === undefined && answerParts === undefined && refused === undefined;

/** A table or a queue that is not yet, or still, as the test waits for it to be. */
function isUnready({ operation }: CallStep, outcome: Outcome): boolean {
  if (operation === 'DescribeTable')
    return 'refused' in outcome || (outcome.answer.Table as { readonly TableStatus?: string }).TableStatus !== 'ACTIVE';
  return operation === 'GetQueueUrl' && 'answer' in outcome;
}

/** A queue is empty whose messages AWS took its time to bring. */
function isEarly({ operation, answer, answerParts }: CallStep, outcome: Outcome): boolean {
  if (operation !== 'ReceiveMessage' || 'refused' in outcome || outcome.answer.Messages !== undefined) return false;
  return JSON.stringify([answer, answerParts]).includes('Messages');
}

/** `Messages.0.Body.@json.TaskToken` of an answer. */
function follow(value: unknown, path: string): unknown {
  let found = value;
  for (const name of path.split('.')) {
    if (found === undefined || found === null) return undefined;
    if (name === '@json') found = JSON.parse(String(found));
    else if (name === '@text') found = JSON.stringify(found);
    else if (name.startsWith('@part:'))
      found = String(found)
        .split(':')
        .at(Number(name.slice('@part:'.length)));
    else found = (found as Readonly<Record<string, unknown>>)[name];
  }
  return found;
}
