/** An execution as its branches and states see it: the world around it, its history, and how it can end. */
import type { Data, Json } from './data.ts';
import type { Environment } from './environment.ts';
import type { History } from './history.ts';
import type { Machine } from './machine.ts';

export type EndStatus = 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
export type Status = 'RUNNING' | EndStatus;

/** How an execution ended. */
export interface End {
  readonly status: EndStatus;
  /** Of a success. */
  readonly output?: Data;
  readonly error?: string;
  readonly cause?: string;
}

/** The part of the context object that is the same in all states. https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html */
export interface ExecutionContext {
  readonly Execution: {
    readonly Id: string;
    readonly Input: Json;
    readonly Name: string;
    readonly RoleArn: string;
    readonly StartTime: string;
    readonly RedriveCount: number;
    readonly RedriveTime?: string;
  };
  readonly StateMachine: { readonly Id: string; readonly Name: string };
}

/** What tells one execution from another. */
export interface RunSettings {
  readonly machine: Machine;
  readonly arn: string;
  readonly name: string;
  readonly input: Data;
  readonly roleArn: string;
  readonly stateMachine: { readonly id: string; readonly name: string };
}

export interface Run {
  readonly environment: Environment;
  readonly history: History;
  readonly context: ExecutionContext;
  readonly arn: string;
  readonly name: string;
  readonly roleArn: string;
  readonly end: End | undefined;
  /** Resolves when it has ended; never rejects. */
  readonly ended: Promise<End>;
  /** Begins. Nothing happens if it was stopped before. */
  start(): void;
  /** Aborts it, and what it waits for. Nothing happens if it has ended. */
  stop(error?: string, cause?: string): void;
  /** An execution of its own in the same world, as a distributed Map has one for each item. */
  another(settings: RunSettings): Run;
}
