/** Task tokens: who waits for which, and what a late, doubled or made-up one is answered. */
import type { Random } from '../core/random.ts';
import type { Data } from './data.ts';

/** The Task state behind a token. */
export interface WaitingTask {
  readonly executionArn: string;
  readonly state: string;
  succeed(output: Data): void;
  fail(error: string | undefined, cause: string | undefined): void;
  heartbeat(): void;
}

/** `closed`: the task was answered, has timed out or its execution ended. `invalid`: never given out. */
export type TokenState = WaitingTask | 'closed' | 'invalid';

export class TaskTokens {
  private readonly waiting = new Map<string, WaitingTask>();
  private readonly random: Random;
  private readonly mark: string;

  constructor(random: Random) {
    this.random = random;
    this.mark = random.hex(12);
  }

  /** A token for one attempt of a task. @param _event the last event before it: that of an execution's attempt and no other */
  issue(_event: number): string {
    return `AQB4AAAAKgAAAAMA${Buffer.from(`${this.mark}${this.random.hex(84)}`).toString('base64')}`;
  }

  open(token: string, task: WaitingTask): void {
    this.waiting.set(token, task);
  }

  close(token: string): void {
    this.waiting.delete(token);
  }

  find(token: string): TokenState {
    const task = this.waiting.get(token);
    if (task !== undefined) return task;
    // Not kept: a token of ours is known by its mark, however long ago it was closed.
    const inside = Buffer.from(token.slice(16), 'base64').toString();
    return token.startsWith('AQB4AAAAKgAAAAMA') && inside.startsWith(this.mark) && inside.length === 96 ? 'closed' : 'invalid';
  }

  /** Every token that somebody waits for. */
  get pending(): ReadonlyMap<string, WaitingTask> {
    return this.waiting;
  }
}
