import { describe, expect, it } from 'vitest';
import { Data, type Json } from '../../../local/asl/data.ts';
import { StateError } from '../../../local/asl/error.ts';
import type { WaitingTask } from '../../../local/asl/tokens.ts';
import { begin, call, machine } from './machines.ts';

const waiting = (more: object = {}) =>
  machine({
    A: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Arguments: { FunctionName: 'ask', Payload: '{% $states.context.Task.Token %}' },
      Output: '{% $states.result %}',
      End: true,
      ...more,
    },
  });
const functions = { ask: () => null };

/** The only task that waits for a token. */
const task = ({ environment }: ReturnType<typeof begin>) => [...environment.tokens.pending.values()][0] as WaitingTask;

describe('a task that waits for its token', () => {
  it('takes the output that it is sent', async () => {
    const started = begin(waiting(), {}, { functions });
    await started.run(60_000);
    expect(started.execution.running).toEqual([{ state: 'A', type: 'Task', since: started.execution.startedAt }]);
    task(started).succeed(new Data({ approved: true }));
    expect(await started.run()).toMatchObject({ status: 'SUCCEEDED', output: { approved: true }, time: 60_000 });
    expect(started.types().slice(2, -2)).toEqual(['TaskScheduled', 'TaskStarted', 'TaskSubmitted', 'TaskSucceeded']);
    expect(started.environment.tokens.pending.size).toBe(0);
  });

  it('fails with the error that it is sent', async () => {
    const started = begin(waiting(), {}, { functions });
    await started.run(1000);
    task(started).fail('Rejected', 'not today');
    expect(await started.run()).toMatchObject({ status: 'FAILED', error: 'Rejected', cause: 'not today' });
  });

  it('is done at once when the answer comes before the call has returned', async () => {
    const started = begin(
      waiting(),
      {},
      {
        functions: {
          ask: async () => {
            task(started).succeed(new Data('early'));
            return null;
          },
        },
      },
    );
    expect(await started.run()).toMatchObject({ status: 'SUCCEEDED', output: 'early' });
    expect(started.types()).not.toContain('TaskSubmitted');
  });

  it('fails with its call', async () => {
    const started = begin(waiting(), {}, { functions: { ask: () => Promise.reject(new StateError('Broken')) } });
    expect(await started.run()).toMatchObject({ status: 'FAILED', error: 'Broken' });
    expect(started.environment.tokens.pending.size).toBe(0);
  });

  it('runs out of time without heartbeats, and lives as long as they come', async () => {
    const silent = begin(waiting({ HeartbeatSeconds: 20, TimeoutSeconds: 100 }), {}, { functions });
    expect(await silent.run()).toMatchObject({ status: 'FAILED', error: 'States.Timeout', time: 20_000 });
    expect(silent.types()).toContain('TaskTimedOut');
    const lively = begin(waiting({ HeartbeatSeconds: 20, TimeoutSeconds: 50 }), {}, { functions });
    for (const second of [15, 30, 45]) {
      await lively.run(second * 1000);
      task(lively).heartbeat();
    }
    expect(await lively.run()).toMatchObject({ status: 'FAILED', error: 'States.Timeout', time: 50_000 });
  });

  it('that misses a heartbeat is caught by both names of that, and not as a failed task', async () => {
    const caught = async (name: string) => {
      const definition = waiting({ HeartbeatSeconds: 20, Catch: [{ ErrorEquals: [name], Next: 'C' }] });
      const { status, output } = await begin(
        { ...definition, States: { ...definition.States, C: { Type: 'Pass', End: true } } } as never,
        {},
        { functions },
      ).run();
      return status === 'SUCCEEDED' ? output : status;
    };
    const output = { Error: 'States.Timeout', Cause: '' };
    expect(await caught('States.Timeout')).toEqual(output);
    expect(await caught('States.HeartbeatTimeout')).toEqual(output);
    expect(await caught('States.ALL')).toEqual(output);
    expect(await caught('States.TaskFailed')).toBe('FAILED');
  });

  it('gives null for what SendTaskFailure leaves out', async () => {
    const definition = waiting({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'C' }] });
    const started = begin({ ...definition, States: { ...definition.States, C: { Type: 'Pass', End: true } } } as never, {}, { functions });
    await started.run(1000);
    task(started).fail(undefined, undefined);
    expect(await started.run()).toMatchObject({ status: 'SUCCEEDED', output: { Error: null, Cause: null } });
  });

  it('fails where its computed time-out is no positive whole number', async () => {
    for (const seconds of ['{% 0 %}', '{% 1.5 %}', '{% -1 %}'])
      expect(await begin(waiting({ TimeoutSeconds: seconds }), {}, { functions }).run(), seconds).toMatchObject({
        status: 'FAILED',
        error: 'States.QueryEvaluationError',
      });
  });
});

describe('a task that calls', () => {
  it('runs out of time, and a late answer changes nothing', async () => {
    const started = begin(
      machine({ A: call('slow', { TimeoutSeconds: '{% $states.input.limit %}', End: true }) }),
      { limit: 5 },
      { functions: { slow: () => new Promise<Json>((resolve) => started.clock.after(9000, 'late', () => resolve('late'))) } },
    );
    expect(await started.run()).toMatchObject({ status: 'FAILED', error: 'States.Timeout', time: 5000 });
    const events = started.types();
    await started.clock.run();
    expect(started.types()).toEqual(events);
  });

  it('has events of its own when the resource is a function', async () => {
    const resource = 'arn:aws:lambda:eu-central-1:111111111111:function:work';
    const started = begin(
      machine({ A: { Type: 'Task', Resource: resource, End: true } }),
      { a: 1 },
      { functions: { work: (payload) => [payload] } },
    );
    expect((await started.run()).output).toEqual([{ a: 1 }]);
    expect(started.types().slice(2, 5)).toEqual(['LambdaFunctionScheduled', 'LambdaFunctionStarted', 'LambdaFunctionSucceeded']);
  });
});

describe('a task that follows what it started', () => {
  const definition = machine({
    A: {
      Type: 'Task',
      Resource: 'arn:aws:states:::states:startExecution.sync:2',
      Arguments: { StateMachineArn: 'arn:aws:states:eu-central-1:111111111111:stateMachine:other', FunctionName: 'start' },
      TimeoutSeconds: 30,
      Output: '{% $states.result %}',
      End: true,
    },
  });
  const follow = (stopped: string[], end?: (resolve: (value: Json) => void) => void) => ({
    functions: { start: () => 'started' },
    follow: () => ({ result: new Promise<Json>((resolve) => end?.(resolve)), stop: () => stopped.push('stopped') }),
  });

  it('ends with it', async () => {
    const stopped: string[] = [];
    const started = begin(
      definition,
      {},
      follow(stopped, (resolve) => queueMicrotask(() => resolve({ Status: 'SUCCEEDED' }))),
    );
    expect(await started.run()).toMatchObject({ status: 'SUCCEEDED', output: { Status: 'SUCCEEDED' } });
    expect(stopped).toEqual([]);
  });

  it('stops it when the time is over', async () => {
    const stopped: string[] = [];
    expect(await begin(definition, {}, follow(stopped)).run()).toMatchObject({ error: 'States.Timeout', time: 30_000 });
    expect(stopped).toEqual(['stopped']);
  });

  it('stops it when the execution is stopped', async () => {
    const stopped: string[] = [];
    const started = begin(definition, {}, follow(stopped));
    await started.run(1000);
    started.execution.stop('Operator', 'enough');
    expect(started.ended()).toMatchObject({ status: 'ABORTED', error: 'Operator', cause: 'enough' });
    expect(started.types().slice(-2)).toEqual(['TaskSubmitted', 'ExecutionAborted']);
    expect(stopped).toEqual(['stopped']);
  });
});
