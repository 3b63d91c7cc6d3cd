/** The Task state: makes a call and waits for its answer, for the end of what it started, or for a token. */
import type { HistoryEventType } from '@aws-sdk/client-sfn';
import type { Branch, Outcome } from './branch.ts';
import { Data, type Json } from './data.ts';
import type { FollowedWork, TaskRequest } from './environment.ts';
import { StateError } from './error.ts';
import { COMPLETE, type EventDetails } from './history.ts';
import type { TaskState } from './machine.ts';

interface Limits {
  /** Seconds; undefined where the field is missing (AWS then waits 99999999 seconds). */
  readonly timeout: number | undefined;
  readonly heartbeat: number | undefined;
}

export function runTask(branch: Branch, state: TaskState, input: Data): Promise<Outcome> {
  const { environment } = branch.execution;
  const { resource } = state;
  const waitsForToken = resource.kind === 'integration' && resource.pattern === 'token';
  return branch.handled(state, input, async (retryCount) => {
    const token = waitsForToken ? environment.tokens.issue(branch.last) : undefined;
    const bindings = branch.bindings(state, input, { retryCount, token });
    const given = state.arguments === undefined ? input : new Data(await branch.fill(state.arguments, bindings));
    const credentials = state.credentials && ((await branch.fill(state.credentials, bindings)) as { readonly RoleArn: string });
    const limits: Limits = {
      timeout: state.timeout && ((await branch.fill(state.timeout, bindings)) as number),
      heartbeat: state.heartbeat && ((await branch.fill(state.heartbeat, bindings)) as number),
    };
    branch.limit(given);
    const journal = journalOf(branch, state);
    journal.scheduled(given, limits, credentials?.RoleArn);
    const task: TaskRequest = {
      resource,
      resourceArn: state.resourceArn,
      arguments: given.value,
      roleArn: credentials?.RoleArn,
      token,
      executionArn: branch.execution.arn,
      executionName: branch.execution.name,
      state: state.name,
      event: branch.last,
    };
    let result: Data;
    try {
      result = await perform(branch, task, limits, journal);
      branch.limit(result);
    } catch (error) {
      if (error instanceof StateError) journal.failed(error);
      throw error;
    }
    journal.succeeded(result);
    return branch.leave(state, branch.bindings(state, input, { result: result.value, retryCount }), state, result);
  });
}

/** Waits until the task is done or has run out of time. @throws StateError, Cancelled */
function perform(branch: Branch, task: TaskRequest, limits: Limits, journal: Journal): Promise<Data> {
  const { environment } = branch.execution;
  const { clock, tokens } = environment;
  const { resource, token } = task;
  const pattern = resource.kind === 'integration' ? resource.pattern : 'request';
  const followed = pattern === 'sync' || pattern === 'sync2';
  return branch.interruptible<Data>(({ resolve, reject }) => {
    let over = false;
    let done = false;
    let work: FollowedWork | undefined;
    const expire = (error: string, seconds: number) =>
      clock.after(seconds * 1000, `${task.state}: ${error} (event ${task.event})`, () => reject(new StateError(error)));
    const timeout = limits.timeout === undefined ? undefined : expire('States.Timeout', limits.timeout);
    let heartbeat = limits.heartbeat === undefined ? undefined : expire('States.HeartbeatTimeout', limits.heartbeat);
    if (token !== undefined)
      tokens.open(token, {
        executionArn: task.executionArn,
        state: task.state,
        succeed: resolve,
        fail: (error, cause) => reject(new StateError(error, cause)),
        heartbeat: () => {
          if (heartbeat === undefined) return;
          clock.cancel(heartbeat);
          heartbeat = expire('States.HeartbeatTimeout', limits.heartbeat!);
        },
      });
    const answered = (answer: Json) => {
      if (followed) {
        work = environment.follow(task, answer);
        work.result.then(
          (value) => {
            done = true;
            resolve(new Data(value));
          },
          (error) => {
            done = true;
            reject(error);
          },
        );
        // The state was left while the call was under way: what it started is not wanted any more.
        if (over) work.stop();
        else journal.submitted(new Data(answer));
      } else if (token === undefined) resolve(new Data(answer));
      else if (!over) journal.submitted(new Data(answer));
    };
    environment.request(task).then(answered).catch(reject);
    return () => {
      over = true;
      if (timeout !== undefined) clock.cancel(timeout);
      if (heartbeat !== undefined) clock.cancel(heartbeat);
      if (token !== undefined) tokens.close(token);
      if (!done) work?.stop();
    };
  });
}

/** The events of a task: AWS has one set for a function's own ARN and another for every other integration. */
interface Journal {
  scheduled(given: Data, limits: Limits, roleArn: string | undefined): void;
  submitted(answer: Data): void;
  succeeded(result: Data): void;
  failed(error: StateError): void;
}

const TIMEOUTS = new Set(['States.Timeout', 'States.HeartbeatTimeout']);

/** An error name or cause only where there is one. */
const why = ({ error, cause }: StateError) => ({
  ...(error === undefined ? {} : { error }),
  ...(cause === undefined ? {} : { cause }),
});

function journalOf(branch: Branch, { resource }: TaskState): Journal {
  const add = (type: HistoryEventType, details?: EventDetails) => branch.add(type, details);
  const limitsOf = ({ timeout, heartbeat }: Limits) => ({
    ...(timeout === undefined ? {} : { timeoutInSeconds: timeout }),
    ...(heartbeat === undefined ? {} : { heartbeatInSeconds: heartbeat }),
  });
  if (resource.kind !== 'integration')
    return {
      scheduled: (given, { timeout }, roleArn) => {
        add('LambdaFunctionScheduled', {
          lambdaFunctionScheduledEventDetails: {
            resource: resource.arn,
            input: given.text,
            inputDetails: COMPLETE,
            ...limitsOf({ timeout, heartbeat: undefined }),
            ...(roleArn === undefined ? {} : { taskCredentials: { roleArn } }),
          },
        });
        add('LambdaFunctionStarted');
      },
      submitted: () => {},
      succeeded: (result) =>
        add('LambdaFunctionSucceeded', { lambdaFunctionSucceededEventDetails: { output: result.text, outputDetails: COMPLETE } }),
      failed: (error) =>
        TIMEOUTS.has(error.error ?? '')
          ? add('LambdaFunctionTimedOut', { lambdaFunctionTimedOutEventDetails: why(error) })
          : add('LambdaFunctionFailed', { lambdaFunctionFailedEventDetails: why(error) }),
    };
  const of = { resourceType: resource.service, resource: resource.name };
  return {
    scheduled: (given, limits, roleArn) => {
      add('TaskScheduled', {
        taskScheduledEventDetails: {
          ...of,
          region: branch.execution.environment.region,
          parameters: given.text,
          ...limitsOf(limits),
          ...(roleArn === undefined ? {} : { taskCredentials: { roleArn } }),
        },
      });
      add('TaskStarted', { taskStartedEventDetails: of });
    },
    submitted: (answer) => add('TaskSubmitted', { taskSubmittedEventDetails: { ...of, output: answer.text, outputDetails: COMPLETE } }),
    succeeded: (result) => add('TaskSucceeded', { taskSucceededEventDetails: { ...of, output: result.text, outputDetails: COMPLETE } }),
    failed: (error) =>
      TIMEOUTS.has(error.error ?? '')
        ? add('TaskTimedOut', { taskTimedOutEventDetails: { ...of, ...why(error) } })
        : add('TaskFailed', { taskFailedEventDetails: { ...of, ...why(error) } }),
  };
}
