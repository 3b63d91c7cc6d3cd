/** The Task state: makes a call and waits for its answer, for the end of what it started, or for a token. */
import type { HistoryEventType } from '@aws-sdk/client-sfn';
import type { Timer } from '../core/clock.ts';
import type { Branch, Outcome } from './branch.ts';
import { Data, type Json } from './data.ts';
import type { FollowedWork, TaskRequest } from './environment.ts';
import { EvaluationError, heartbeatMissed, StateError, timedOut } from './error.ts';
import { COMPLETE, type EventDetails } from './history.ts';
import type { TaskState } from './machine.ts';
import type { Bindings, Template } from './template.ts';

interface Limits {
  /** Seconds; undefined where the field is missing (AWS then waits 99999999 seconds). */
  readonly timeout: number | undefined;
  readonly heartbeat: number | undefined;
}

export function runTask(branch: Branch, state: TaskState, input: Data): Promise<Outcome> {
  const { environment } = branch.execution;
  const { resource } = state;
  const waitsForToken = resource.kind === 'activity' || (resource.kind === 'integration' && resource.pattern === 'token');
  return branch.handled(state, input, async (retryCount) => {
    const token = waitsForToken ? environment.tokens.issue(branch.last) : undefined;
    const effective = await branch.effective(state, input);
    const bindings = branch.bindings(state, effective, { retryCount, token });
    const given = state.arguments === undefined ? effective : new Data(await branch.fill(state.arguments, bindings));
    const credentials = state.credentials && ((await branch.fill(state.credentials, bindings)) as { readonly RoleArn: string });
    const limits: Limits = {
      timeout: await seconds(branch, state.timeout, bindings, 'TimeoutSeconds'),
      heartbeat: await seconds(branch, state.heartbeat, bindings, 'HeartbeatSeconds'),
    };
    branch.limit(given);
    if (resource.kind === 'activity' && environment.activityExists?.(resource.arn) !== true)
      throw branch.broken(`The activity ${resource.arn} does not exist.`);
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
    return branch.leave(state, branch.bindings(state, effective, { result: result.value, retryCount }), state, result);
  });
}

/** @throws StateError where a computed time-out is no positive whole number */
async function seconds(branch: Branch, template: Template | undefined, bindings: Bindings, field: string): Promise<number | undefined> {
  if (template === undefined) return undefined;
  const value = await branch.fill(template, bindings);
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 99_999_999) return value;
  if (template.path !== undefined)
    throw branch.broken(
      `The ${field}Path parameter does not reference a positive whole number: ${template.path.source} == ${JSON.stringify(value)}`,
    );
  throw branch.evaluationFailed(
    new EvaluationError(`The ${field} field must be a positive whole number but was: ${JSON.stringify(value)}`, field),
  );
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
    const expire = (error: () => StateError, limit: number | undefined, what: string) =>
      limit === undefined ? undefined : clock.after(limit * 1000, `${task.state}: ${what} (event ${task.event})`, () => reject(error()));
    let timeout: Timer | undefined;
    let heartbeat: Timer | undefined;
    let withdraw: (() => void) | undefined;
    const begun = () => {
      timeout = expire(timedOut, limits.timeout, 'time-out');
      heartbeat = expire(heartbeatMissed, limits.heartbeat, 'heartbeat');
    };
    if (token !== undefined)
      tokens.open(token, {
        executionArn: task.executionArn,
        state: task.state,
        succeed: resolve,
        // What SendTaskFailure leaves out is null, as recorded; a time-out has an empty cause.
        fail: (error, cause) => reject(new StateError(error, cause, { absent: null })),
        heartbeat: () => {
          if (heartbeat === undefined) return;
          clock.cancel(heartbeat);
          heartbeat = expire(heartbeatMissed, limits.heartbeat, 'heartbeat');
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
    if (resource.kind === 'activity') {
      // Its time-outs count from the moment at which a worker takes it.
      withdraw = environment.activity?.({
        activityArn: resource.arn,
        token: token!,
        input: JSON.stringify(task.arguments),
        started: (workerName) => {
          journal.started(workerName);
          begun();
        },
      });
    } else {
      begun();
      environment.request(task).then(answered).catch(reject);
    }
    return () => {
      over = true;
      withdraw?.();
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
  /** A worker of an activity has taken it. */
  started(workerName: string | undefined): void;
  submitted(answer: Data): void;
  succeeded(result: Data): void;
  failed(error: StateError): void;
}

const TIMEOUT = 'States.Timeout';

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
  if (resource.kind === 'activity')
    return {
      scheduled: (given, limits) =>
        add('ActivityScheduled', {
          activityScheduledEventDetails: { resource: resource.arn, input: given.text, inputDetails: COMPLETE, ...limitsOf(limits) },
        }),
      started: (workerName) => add('ActivityStarted', { activityStartedEventDetails: workerName === undefined ? {} : { workerName } }),
      submitted: () => {},
      succeeded: (result) => add('ActivitySucceeded', { activitySucceededEventDetails: { output: result.text, outputDetails: COMPLETE } }),
      failed: (error) =>
        error.error === TIMEOUT
          ? add('ActivityTimedOut', { activityTimedOutEventDetails: why(error) })
          : add('ActivityFailed', { activityFailedEventDetails: why(error) }),
    };
  if (resource.kind === 'lambda')
    return {
      started: () => {},
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
        error.error === TIMEOUT
          ? add('LambdaFunctionTimedOut', { lambdaFunctionTimedOutEventDetails: why(error) })
          : add('LambdaFunctionFailed', { lambdaFunctionFailedEventDetails: why(error) }),
    };
  const of = { resourceType: resource.service, resource: resource.name };
  return {
    started: () => {},
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
      error.error === TIMEOUT
        ? add('TaskTimedOut', { taskTimedOutEventDetails: { ...of, ...why(error) } })
        : add('TaskFailed', { taskFailedEventDetails: { ...of, ...why(error) } }),
  };
}
