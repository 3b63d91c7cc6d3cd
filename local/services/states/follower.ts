/** Work that a `.sync` task has started and Step Functions looks after, until it has ended. */
import type { Json } from '../../asl/data.ts';
import { bound, type Listener, tell } from '../../core/bound.ts';
import type { Clock, Timer } from '../../core/clock.ts';

/** How it ended: what the state gets, or a StateError. */
export type Followed = { readonly value: Json } | { readonly error: unknown };

/** Whoever knows how to look at it. */
export interface Watcher {
  readonly clock: Clock;
  /** @returns undefined as long as it runs. @throws StateError where it failed */
  look(work: Work): Promise<Json | undefined>;
  /** Ends it, as far as it can be ended. */
  end(work: Work): void;
  /** Tells `listener` when a nested execution has ended. */
  whenEnded(executionArn: string, listener: Listener<[]>): void;
}

/** What was started. */
export interface Work {
  readonly kind: 'execution' | 'build' | 'task';
  /** Of the task that started it, and of the role that looks. */
  readonly state: string;
  readonly executionName: string;
  readonly roleArn: string;
  readonly taskRoleArn: string | undefined;
  /** A build's id; the ARN of an execution or a task. */
  readonly id: string;
  /** The cluster of a task. */
  readonly cluster?: string;
  /** The input and output of a nested execution come as values. */
  readonly parsed?: boolean;
}

/** Seconds between looks at a build or a task that is waited for; each is a fifth longer than the one before. */
const LOOK = { first: 5, last: 60, growth: 1.2 };

export class Follower {
  private readonly watcher: Watcher;
  private readonly work: Work;
  private readonly heard: Listener<[outcome: Followed]>;
  private seconds = LOOK.first;
  private over = false;
  private timer: Timer | undefined;

  constructor(watcher: Watcher, work: Work, heard: Listener<[outcome: Followed]>) {
    this.watcher = watcher;
    this.work = work;
    this.heard = heard;
  }

  begin(): void {
    if (this.work.kind === 'execution') this.watcher.whenEnded(this.work.id, bound(this, this.look));
    else this.later();
  }

  stop(): void {
    if (this.over) return;
    this.over = true;
    if (this.timer !== undefined) this.watcher.clock.cancel(this.timer);
    this.watcher.end(this.work);
  }

  private later(): void {
    const what = `Step Functions looks at ${this.work.kind} ${this.work.id}`;
    this.timer = this.watcher.clock.after(this.seconds * 1000, what, bound(this, this.look));
    this.seconds = Math.min(this.seconds * LOOK.growth, LOOK.last);
  }

  private async look(): Promise<void> {
    if (this.over) return;
    let outcome: Followed;
    try {
      const value = await this.watcher.look(this.work);
      if (this.over) return;
      if (value === undefined) {
        this.later();
        return;
      }
      outcome = { value };
    } catch (error) {
      if (this.over) return;
      outcome = { error };
    }
    this.over = true;
    tell(this.heard, outcome);
  }
}
