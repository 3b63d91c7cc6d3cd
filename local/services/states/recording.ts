/** What the world has given an open execution: enough to run it again up to where it was, without effects, and to go on from there. */
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { Data, Json } from '../../asl/data.ts';
import type { ActivityTask, Environment, FollowedWork, ItemsRequest, TaskRequest } from '../../asl/environment.ts';
import { StateError } from '../../asl/error.ts';
import { Execution } from '../../asl/execution.ts';
import { AnotherWayError } from '../../asl/past.ts';
import type { TaskTokens, WaitingTask } from '../../asl/tokens.ts';
import { type Bound, bound, type Deferred } from '../../core/bound.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import type { Followed, Follower } from './follower.ts';
import type { Revision } from './machine.ts';

/** What came to the execution. */
type Given =
  | { readonly kind: 'begin' }
  | { readonly kind: 'timer'; readonly key: string }
  | { readonly kind: 'answer' | 'followed'; readonly event: number; readonly outcome: Followed }
  | { readonly kind: 'succeed'; readonly token: string; readonly output: Data }
  | { readonly kind: 'fail'; readonly token: string; readonly error: string | undefined; readonly cause: string | undefined }
  | { readonly kind: 'heartbeat'; readonly token: string };

/** What the execution asks of Step Functions. */
export interface Recorder {
  readonly clock: Clock;
  readonly random: Random;
  readonly region: string;
  readonly tokens: TaskTokens;
  /** What expressions take for now while an execution is run again; undefined at all other times. */
  moment: number | undefined;
  request(task: TaskRequest, roleArn: string): Promise<Json>;
  items(request: ItemsRequest, roleArn: string): Promise<Json>;
  follow(task: TaskRequest, answer: Json, roleArn: string, heard: Bound): Follower;
  activityExists(arn: string): boolean;
  activity(task: ActivityTask): () => void;
  /** A state was entered. */
  entered(recording: Recording): void;
}

export interface RecordingSettings {
  readonly arn: string;
  readonly name: string;
  readonly input: Data;
  readonly revision: Revision;
  readonly stateMachine: { readonly id: string; readonly name: string };
  /** Seconds. */
  readonly longest: number;
}

interface Waiting {
  readonly resolve: (value: Json) => void;
  readonly reject: (error: unknown) => void;
}

/** Values that come from chance: they would be others when the execution is run again. */
const CHANCE = /\$(?:random|uuid|shuffle)\b|States\.(?:UUID|MathRandom)\b/;

/** Promises settle; nothing else happens meanwhile. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

export class Recording {
  readonly settings: RecordingSettings;
  /** The execution as it runs now. */
  execution: Execution;
  private readonly recorder: Recorder;
  private readonly startedAt: number;
  private readonly given: (Given & { readonly at: number })[] = [];
  /** The timers that are pending, by what they are for. */
  private readonly timers = new Map<string, Timer>();
  /** Tokens, by the last event before their attempt. */
  private readonly issued = new Map<number, string>();
  /** Work that is followed, by the event of its task. */
  private readonly works = new Map<number, Follower>();
  /** Why it cannot be run again. */
  private doubt: string | undefined;
  private running = new Running();
  private isAgain = false;

  constructor(recorder: Recorder, settings: RecordingSettings) {
    this.recorder = recorder;
    this.settings = settings;
    this.startedAt = recorder.clock.now();
    if (CHANCE.test(settings.revision.definition)) this.doubt = 'its definition draws by chance';
    this.execution = this.make();
  }

  /** Why its execution cannot be saved at this moment; undefined where it can. */
  get refusal(): string | undefined {
    return this.running.calls > 0 ? 'a call is under way' : this.doubt;
  }

  /** The first state is entered. */
  begin(): void {
    this.note({ kind: 'begin' });
    this.execution.start();
  }

  stop(): void {
    this.execution.stop();
  }

  /** It has ended: nothing of it is needed any more. */
  finish(): void {
    this.given.length = 0;
    this.running = new Running();
    this.issued.clear();
    this.doubt = undefined;
  }

  /** It goes on although it had ended: what it was given before is gone. */
  redriven(): void {
    this.doubt = 'it was redriven';
  }

  /** Runs it again from the beginning up to where it was. @param events its history so far. @throws AnotherWayError */
  async runAgain(events: readonly HistoryEvent[]): Promise<Execution> {
    const { recorder } = this;
    this.running = new Running();
    this.isAgain = true;
    recorder.moment = this.startedAt;
    try {
      this.execution = this.make(events);
      for (const one of this.given) {
        recorder.moment = one.at;
        this.give(one);
        await settled();
      }
      this.execution.history.goOn();
      this.assertSame('the end', this.execution.end === undefined);
      const { timers } = this.running;
      this.assertSame('a timer', timers.size === this.timers.size && [...timers.keys()].every((key) => this.timers.has(key)));
      return this.execution;
    } finally {
      recorder.moment = undefined;
      this.isAgain = false;
    }
  }

  private assertSame(what: string, holds: boolean): void {
    if (!holds) throw new AnotherWayError(`${what} of ${this.settings.arn} has come about another way`);
  }

  private make(past?: readonly HistoryEvent[]): Execution {
    const { revision, ...settings } = this.settings;
    return new Execution({
      ...settings,
      machine: revision.compiled,
      roleArn: revision.roleArn,
      environment: this.environment(),
      ...(past === undefined ? {} : { past }),
    });
  }

  private note(given: Given): void {
    if (!this.isAgain) this.given.push({ ...given, at: this.recorder.clock.now() });
  }

  private give(one: Given): void {
    switch (one.kind) {
      case 'begin':
        this.execution.start();
        break;
      case 'timer':
        this.ring(one.key);
        break;
      case 'answer':
      case 'followed':
        this.settle(`${one.kind} ${one.event}`, one.outcome);
        break;
      default:
        this.tell(one);
    }
  }

  /** All that the execution sees of the world. */
  private environment(): Environment {
    const { recorder } = this;
    return {
      clock: {
        now: () => recorder.moment ?? recorder.clock.now(),
        after: (milliseconds, what, run) => this.after(milliseconds, what, run),
        cancel: (timer) => this.cancel(timer),
      },
      random: recorder.random,
      region: recorder.region,
      tokens: {
        issue: (event) => this.issue(event),
        open: (token, task) => this.open(token, task),
        close: (token) => this.close(token),
      },
      request: (task) => this.request(task),
      follow: (task, answer) => this.follow(task, answer),
      activityExists: (arn) => recorder.activityExists(arn),
      activity: (task) => {
        this.doubt ??= 'it has an activity';
        return recorder.activity(task);
      },
      items: (request) => {
        this.doubt ??= 'it has a distributed Map';
        return recorder.items(request, this.settings.revision.roleArn);
      },
      transition: () => {
        if (!this.isAgain) recorder.entered(this);
      },
    };
  }

  // ---- time

  /** A timer comes due. */
  fire(key: string): void {
    this.timers.delete(key);
    this.note({ kind: 'timer', key });
    this.ring(key);
  }

  private ring(key: string): void {
    const run = this.running.timers.get(key);
    this.running.timers.delete(key);
    if (run === undefined) throw new AnotherWayError(`nobody in ${this.settings.arn} waits for "${key}"`);
    run();
  }

  private after(milliseconds: number, what: string, run: Deferred): Timer {
    let key = what;
    while (this.running.timers.has(key)) key += ' again';
    this.running.timers.set(key, run as () => unknown);
    // Those that have not come due are pending already.
    if (this.isAgain) return { due: this.recorder.moment! + milliseconds, what: key };
    const timer = this.recorder.clock.after(milliseconds, key, bound(this, this.fire, key));
    this.timers.set(key, timer);
    return timer;
  }

  private cancel({ what: key }: Timer): void {
    // One that has come due is no longer there; another may have its name.
    if (!this.running.timers.delete(key) || this.isAgain) return;
    const timer = this.timers.get(key);
    this.timers.delete(key);
    if (timer !== undefined) this.recorder.clock.cancel(timer);
  }

  // ---- calls

  private request(task: TaskRequest): Promise<Json> {
    const { running, recorder } = this;
    if (task.executionArn !== this.settings.arn) {
      // A child of a distributed Map, whose events have numbers of their own.
      this.doubt ??= 'it has a distributed Map';
      return recorder.request(task, this.settings.revision.roleArn);
    }
    const heard = this.wait(`answer ${task.event}`);
    if (this.isAgain) return heard;
    running.calls++;
    const came = (outcome: Followed) => {
      running.calls--;
      // Its execution was stopped while the call was under way.
      if (this.running !== running) return;
      this.note({ kind: 'answer', event: task.event, outcome });
      this.settle(`answer ${task.event}`, outcome);
    };
    recorder.request(task, this.settings.revision.roleArn).then(
      (value) => came({ value }),
      (error: unknown) => came({ error }),
    );
    return heard;
  }

  private follow(task: TaskRequest, answer: Json): FollowedWork {
    const { event } = task;
    const result = this.wait(`followed ${event}`);
    if (task.executionArn !== this.settings.arn) this.doubt ??= 'it has a distributed Map';
    if (!this.isAgain)
      try {
        const work = this.recorder.follow(task, answer, this.settings.revision.roleArn, bound(this, this.followed, event));
        this.works.set(event, work);
        work.begin();
      } catch (error) {
        this.works.delete(event);
        this.hear(event, { error });
      }
    return {
      result,
      stop: () => {
        if (this.isAgain) return;
        this.works.get(event)?.stop();
        this.works.delete(event);
      },
    };
  }

  /** What was followed has ended. */
  followed(event: number, outcome: Followed): void {
    if (this.works.delete(event)) this.hear(event, outcome);
  }

  private hear(event: number, outcome: Followed): void {
    this.note({ kind: 'followed', event, outcome });
    this.settle(`followed ${event}`, outcome);
  }

  private wait(key: string): Promise<Json> {
    return new Promise<Json>((resolve, reject) => {
      this.running.answers.set(key, { resolve, reject });
    });
  }

  private settle(key: string, outcome: Followed): void {
    const waiting = this.running.answers.get(key);
    this.running.answers.delete(key);
    if (waiting === undefined) throw new AnotherWayError(`nobody in ${this.settings.arn} waits for the ${key}`);
    if ('error' in outcome) waiting.reject(outcome.error);
    else waiting.resolve(outcome.value);
    if ('error' in outcome && !(outcome.error instanceof StateError)) this.doubt ??= 'it broke';
  }

  // ---- tokens

  private issue(event: number): string {
    if (this.isAgain) return this.issued.get(event) ?? '';
    const token = this.recorder.tokens.issue(event);
    this.issued.set(event, token);
    return token;
  }

  private open(token: string, task: WaitingTask): void {
    this.running.tasks.set(token, task);
    if (!this.isAgain) this.recorder.tokens.open(token, new RecordedTask(this, token, task));
  }

  private close(token: string): void {
    this.running.tasks.delete(token);
    if (!this.isAgain) this.recorder.tokens.close(token);
  }

  /** Somebody answers a task by its token. */
  answered(given: Exclude<Given, { readonly kind: 'begin' | 'timer' | 'answer' | 'followed' }>): void {
    this.note(given);
    this.tell(given);
  }

  private tell(given: Exclude<Given, { readonly kind: 'begin' | 'timer' | 'answer' | 'followed' }>): void {
    const task = this.running.tasks.get(given.token);
    if (task === undefined) throw new AnotherWayError(`nobody in ${this.settings.arn} waits for a token that was answered`);
    if (given.kind === 'succeed') task.succeed(given.output);
    else if (given.kind === 'fail') task.fail(given.error, given.cause);
    else task.heartbeat();
  }
}

/** What comes about again by itself when the execution is run again. */
export class Running {
  readonly timers = new Map<string, () => unknown>();
  readonly answers = new Map<string, Waiting>();
  readonly tasks = new Map<string, WaitingTask>();
  /** Calls that have not come back. */
  calls = 0;
}

/** A task that waits for its token, as those see it who have the token. */
export class RecordedTask implements WaitingTask {
  readonly executionArn: string;
  readonly state: string;
  private readonly recording: Recording;
  private readonly token: string;

  constructor(recording: Recording, token: string, { executionArn, state }: WaitingTask) {
    this.recording = recording;
    this.token = token;
    this.executionArn = executionArn;
    this.state = state;
  }

  succeed(output: Data): void {
    this.recording.answered({ kind: 'succeed', token: this.token, output });
  }

  fail(error: string | undefined, cause: string | undefined): void {
    this.recording.answered({ kind: 'fail', token: this.token, error, cause });
  }

  heartbeat(): void {
    this.recording.answered({ kind: 'heartbeat', token: this.token });
  }
}
