/** Step Functions: starting executions under their own names, and answering those that wait. */
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import { type Connection, clientSettings } from './clients.ts';

/** What a waiting step is told: its result, or the error that its state machine catches by name. */
export type Answer = { readonly result: object } | { readonly error: string; readonly cause: string };

export interface ExecutionEnd {
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED' | 'PENDING_REDRIVE';
  readonly stoppedAt?: Date;
  readonly error?: string;
  readonly cause?: string;
}

export class StepFunctions {
  private readonly client: SFNClient;

  constructor(connection: Connection = {}) {
    this.client = new SFNClient(clientSettings(connection));
  }

  /** Starts an execution once. @returns false if that name has run before */
  async start(stateMachineArn: string, name: string, input: object): Promise<boolean> {
    try {
      await this.client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
      return true;
    } catch (error) {
      if (error instanceof ExecutionAlreadyExists) return false;
      throw error;
    }
  }

  /** Ends an execution now. Harmless if it has ended. @returns false if there is none of that name */
  async stop(executionArn: string, error: string, cause: string): Promise<boolean> {
    try {
      await this.client.send(new StopExecutionCommand({ executionArn, error, cause: cause.slice(0, 32_768) }));
      return true;
    } catch (error_) {
      if (error_ instanceof ExecutionDoesNotExist) return false;
      throw error_;
    }
  }

  /** @returns false if nobody waits for it any more: answered before, timed out, or its execution has ended */
  async answer(taskToken: string, answer: Answer): Promise<boolean> {
    const command =
      'result' in answer
        ? new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(answer.result) })
        : new SendTaskFailureCommand({ taskToken, error: answer.error, cause: answer.cause.slice(0, 32_768) });
    try {
      await this.client.send(command as SendTaskSuccessCommand);
      return true;
    } catch (error) {
      if (error instanceof TaskTimedOut || error instanceof TaskDoesNotExist) return false;
      throw error;
    }
  }

  async describe(executionArn: string): Promise<ExecutionEnd | undefined> {
    try {
      const { status, stopDate, error, cause } = await this.client.send(new DescribeExecutionCommand({ executionArn }));
      return {
        status: status ?? 'RUNNING',
        ...(stopDate ? { stoppedAt: stopDate } : {}),
        ...(error ? { error } : {}),
        ...(cause ? { cause } : {}),
      };
    } catch (error) {
      if (error instanceof ExecutionDoesNotExist) return undefined;
      throw error;
    }
  }
}
