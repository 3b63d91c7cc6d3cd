/** One execution of a machine, from its start to one of its ends. */
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { Timer } from '../core/clock.ts';
import { Branch } from './branch.ts';
import type { Data, Json } from './data.ts';
import { enter } from './enter.ts';
import type { Environment } from './environment.ts';
import { Cancelled, StateError } from './error.ts';
import { COMPLETE, History } from './history.ts';
import type { Machine, State } from './machine.ts';
import type { End, ExecutionContext, Run, RunSettings, Status } from './run.ts';

export interface ExecutionSettings extends RunSettings {
  readonly environment: Environment;
  /** Seconds that its type lets it run: a year for STANDARD, five minutes for EXPRESS. @default no bound */
  readonly longest?: number;
  /** Variables that are there from the start, as TestState gives them. @default none */
  readonly variables?: Readonly<Record<string, Json>>;
  /** Members that stand in for those of the context object, as TestState gives them. */
  readonly context?: Readonly<Record<string, Json>>;
  /** The events so far, where it is run again up to where it was. @default it begins */
  readonly past?: readonly HistoryEvent[];
}

export class Execution implements Run {
  readonly environment: Environment;
  readonly history: History;
  context: ExecutionContext;
  readonly arn: string;
  readonly name: string;
  readonly roleArn: string;
  readonly input: Data;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  endedAt: number | undefined;
  end: End | undefined;
  /** Resolves when it has ended; never rejects. */
  ended: Promise<End>;
  /** When it was taken up again, in milliseconds since the epoch. */
  readonly redriven: number[] = [];
  /** Seconds that its type lets it run. */
  readonly longest: number;
  private readonly machine: Machine;
  /** The states of the machine itself; those of a Parallel or Map run in its children. */
  main: Branch;
  private resolveEnded!: (end: End) => void;
  private timer: Timer | undefined;

  constructor(settings: ExecutionSettings) {
    const { environment, machine, arn, name, roleArn, input, stateMachine } = settings;
    this.environment = environment;
    this.machine = machine;
    this.arn = arn;
    this.name = name;
    this.roleArn = roleArn;
    this.input = input;
    this.longest = settings.longest ?? Number.POSITIVE_INFINITY;
    this.startedAt = environment.clock.now();
    this.history = new History(environment.clock, settings.past);
    this.context = {
      Execution: {
        Id: arn,
        Input: input.value,
        Name: name,
        RoleArn: roleArn,
        StartTime: new Date(this.startedAt).toISOString(),
        RedriveCount: 0,
      },
      StateMachine: { Id: stateMachine.id, Name: stateMachine.name },
      ...settings.context,
    };
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
    this.main = new Branch(this, enter, machine.states, 0, { variables: settings.variables ?? {}, item: undefined });
    this.history.add('ExecutionStarted', 0, {
      executionStartedEventDetails: { input: input.text, inputDetails: COMPLETE, roleArn },
    });
  }

  get status(): Status {
    return this.end?.status ?? 'RUNNING';
  }

  /** The states that run now; those inside a Parallel or Map follow it. */
  get running(): readonly { readonly state: string; readonly type: State['type']; readonly since: number }[] {
    return this.end === undefined ? this.main.running : [];
  }

  /** Begins. Nothing happens if it was stopped before. */
  start(): void {
    if (this.end !== undefined) return;
    this.go();
  }

  /** Goes on from where it stopped, with what was done so far. Only of an execution that has ended without success. */
  redrive(): void {
    const { clock } = this.environment;
    this.redriven.push(clock.now());
    const { Execution: own, ...rest } = this.context;
    const redrivenAt = new Date(clock.now()).toISOString();
    this.context = { ...rest, Execution: { ...own, RedriveCount: this.redriven.length, RedriveTime: redrivenAt } };
    this.end = undefined;
    this.endedAt = undefined;
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
    const event = this.history.add('ExecutionRedriven', 0, { executionRedrivenEventDetails: { redriveCount: this.redriven.length } });
    this.main = this.main.revived(event);
    this.go();
  }

  private go(): void {
    const { clock } = this.environment;
    // Its TimeoutSeconds count anew when it is redriven; what its type lets it run does not.
    const due = Math.min(
      clock.now() + (this.machine.timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000,
      this.startedAt + this.longest * 1000,
    );
    if (due !== Number.POSITIVE_INFINITY)
      this.timer = clock.after(due - clock.now(), `execution ${this.name} times out`, () => this.expire());
    this.main.run(this.machine.startAt, this.input).then(
      (output) => this.succeed(output),
      (error: unknown) => this.fail(error),
    );
  }

  /** Aborts it, and what it waits for. Nothing happens if it has ended. */
  stop(error?: string, cause?: string): void {
    if (this.end !== undefined) return;
    this.main.cancel(false);
    const why = { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) };
    // It follows nothing: AWS says 0 for what comes from outside.
    this.history.add('ExecutionAborted', 0, { executionAbortedEventDetails: why }, true);
    this.finish({ status: 'ABORTED', ...why });
  }

  another(settings: RunSettings): Execution {
    return new Execution({ ...settings, environment: this.environment });
  }

  private expire(): void {
    if (this.end !== undefined) return;
    this.main.cancel(false);
    const error = 'States.Timeout';
    this.history.add('ExecutionTimedOut', 0, { executionTimedOutEventDetails: { error } }, true);
    this.finish({ status: 'TIMED_OUT', error });
  }

  private succeed(output: Data): void {
    if (this.end !== undefined) return;
    this.history.add(
      'ExecutionSucceeded',
      this.main.last,
      { executionSucceededEventDetails: { output: output.text, outputDetails: COMPLETE } },
      true,
    );
    this.finish({ status: 'SUCCEEDED', output });
  }

  private fail(thrown: unknown): void {
    if (thrown instanceof Cancelled || this.end !== undefined) return;
    if (!(thrown instanceof StateError)) {
      // A fault of this machinery, not of the machine: the clock hands it to whoever runs the world.
      this.environment.clock.after(0, `execution ${this.name} broke`, () => {
        throw thrown;
      });
      return;
    }
    const { error, cause } = thrown;
    const why = { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) };
    this.history.add('ExecutionFailed', this.main.last, { executionFailedEventDetails: why }, true);
    this.finish({ status: 'FAILED', ...why });
  }

  private finish(end: End): void {
    const { clock } = this.environment;
    if (this.timer !== undefined) clock.cancel(this.timer);
    this.end = end;
    this.endedAt = clock.now();
    this.resolveEnded(end);
  }
}
