/** What an execution needs of the world around it: time, chance, and somebody who makes its calls. */
import type { Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { Json } from './data.ts';
import type { Resource } from './resource.ts';
import type { TaskTokens } from './tokens.ts';

/** One call of a Task state. */
export interface TaskRequest {
  readonly resource: Resource;
  /** As written in the definition. */
  readonly resourceArn: string;
  readonly arguments: Json;
  /** `Credentials.RoleArn`, where the task is done in another role than the execution's. */
  readonly roleArn: string | undefined;
  /** Where the state waits for it. */
  readonly token: string | undefined;
  readonly executionArn: string;
  readonly executionName: string;
  readonly state: string;
  /** The id of the event that says it was scheduled, or started. */
  readonly event: number;
}

/** Work that was started and goes on by itself (`.sync`). */
export interface FollowedWork {
  /** What the state gets. Rejects with a StateError. */
  readonly result: Promise<Json>;
  /** Ends the work, as far as it can be ended: the state has been aborted or has timed out. */
  stop(): void;
}

/** A list that a distributed Map reads, such as an object of S3. */
export interface ItemsRequest {
  readonly resource: string;
  readonly arguments: Json;
  readonly executionArn: string;
  readonly executionName: string;
}

/** A task for the workers of an activity. */
export interface ActivityTask {
  readonly activityArn: string;
  readonly token: string;
  readonly input: string;
  /** A worker has taken it. */
  started(workerName: string | undefined): void;
}

export interface Environment {
  /** What its timers are for names the event before them, so that no two of an execution are the same. */
  readonly clock: Pick<Clock, 'now' | 'after' | 'cancel'>;
  readonly random: Random;
  readonly tokens: Pick<TaskTokens, 'issue' | 'open' | 'close'>;
  /** The Region in events. */
  readonly region: string;
  /** Makes the call and gives its answer. @throws StateError with the error's name and cause */
  request(task: TaskRequest): Promise<Json>;
  /** Waits for what a `.sync` call has started. @param answer of {@link request} */
  follow(task: TaskRequest, answer: Json): FollowedWork;
  /** Reads the items of a distributed Map. @throws StateError */
  items?(request: ItemsRequest): Promise<Json>;
  /** Whether there is the activity that a state names. */
  activityExists?(activityArn: string): boolean;
  /** Lays a task before an activity's workers. @returns takes it away again */
  activity?(task: ActivityTask): () => void;
  /** A state was entered, or runs again after an error: what AWS bills. */
  transition?(state: string): void;
}
