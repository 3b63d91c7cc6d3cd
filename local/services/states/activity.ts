/** Activities: tasks that workers of anybody's fetch, and answer by their token. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-activities.html */
import type * as Api from '@aws-sdk/client-sfn';
import type { ActivityTask } from '../../asl/environment.ts';
import type { Clock, Timer } from '../../core/clock.ts';

/** How long GetActivityTask waits for a task: "If no task is available within 60 seconds, the result is null". */
const POLL = 60_000;

interface Worker {
  readonly name: string | undefined;
  readonly answer: (task: Api.GetActivityTaskOutput) => void;
  readonly timer: Timer;
}

export interface Activity {
  readonly arn: string;
  readonly name: string;
  readonly created: number;
  readonly tasks: ActivityTask[];
  readonly workers: Worker[];
  tags: Readonly<Record<string, string>>;
}

export class Activities {
  /** By ARN. */
  readonly kept = new Map<string, Activity>();
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Makes one, or gives the one of that name: the call is idempotent. */
  create(arn: string, name: string, tags: Readonly<Record<string, string>>): Activity {
    const existing = this.kept.get(arn);
    if (existing !== undefined) return existing;
    const activity: Activity = { arn, name, created: this.clock.now(), tasks: [], workers: [], tags };
    this.kept.set(arn, activity);
    return activity;
  }

  /** Lays a task before the workers, the first of whom takes it. @returns takes it away again */
  schedule(task: ActivityTask): () => void {
    const { tasks } = this.kept.get(task.activityArn)!;
    tasks.push(task);
    this.clock.after(0, `an activity has a task`, () => this.deal(task.activityArn));
    return () => {
      const index = tasks.indexOf(task);
      if (index >= 0) tasks.splice(index, 1);
    };
  }

  /** Waits for a task; without one the answer is empty. */
  take(activity: Activity, name: string | undefined): Promise<Api.GetActivityTaskOutput> {
    return new Promise((resolve) => {
      const timer = this.clock.after(POLL, `a worker of ${activity.name} has waited`, () => {
        activity.workers.splice(activity.workers.indexOf(worker), 1);
        resolve({});
      });
      const worker: Worker = { name, answer: resolve, timer };
      activity.workers.push(worker);
      this.deal(activity.arn);
    });
  }

  /** First come, first served. */
  private deal(arn: string): void {
    const activity = this.kept.get(arn);
    while (activity !== undefined && activity.tasks.length > 0 && activity.workers.length > 0) {
      const { token, input, started } = activity.tasks.shift()!;
      const { name, answer, timer } = activity.workers.shift()!;
      this.clock.cancel(timer);
      started(name);
      answer({ taskToken: token, input });
    }
  }
}
