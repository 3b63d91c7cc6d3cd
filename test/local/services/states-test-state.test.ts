import { SFNClient, TestStateCommand, type TestStateInput } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { identities } from '../../../local/core/iam/identities.ts';
import { World } from '../../../local/core/world.ts';
import { States } from '../../../local/services/states/index.ts';
import { allows } from './double.ts';

const account = '111111111111';

const world = new World(new VirtualClock(Date.UTC(2026, 10, 2)), { states: (site) => new States(site) });
const credentials = identities(world, account).user('admin', { all: allows('*') });
const client = new SFNClient(clientConfig(world, { region: 'eu-central-1', credentials }));

type Given = Omit<TestStateInput, 'definition' | 'input' | 'context' | 'variables'> & {
  readonly input?: unknown;
  readonly context?: unknown;
};

const test = (definition: object, { input = {}, context, ...more }: Given = {}) =>
  client.send(
    new TestStateCommand({
      definition: JSON.stringify(definition),
      input: JSON.stringify(input),
      context: context === undefined ? undefined : JSON.stringify(context),
      inspectionLevel: 'TRACE',
      ...more,
    }),
  );

const refused = async (...given: Parameters<typeof test>) => {
  try {
    await test(...given);
    return 'not refused';
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
};

const invoke = {
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Parameters: { FunctionName: 'f', 'Payload.$': '$.x' },
  End: true,
};
const branch = (name: string) => ({ StartAt: name, States: { [name]: { Type: 'Pass', End: true } } });
const map = { Type: 'Map', ItemProcessor: branch('Inner'), End: true };
const parallel = { Type: 'Parallel', Branches: [branch('One'), branch('Two')], End: true };
const result = (value: unknown) => ({ mock: { result: JSON.stringify(value) } });
const failure = { mock: { errorOutput: { error: 'Broken', cause: 'because' } } };

describe('TestState refuses', () => {
  it('a mock of what calls nobody', async () => {
    const states = {
      Pass: { Type: 'Pass', End: true },
      Wait: { Type: 'Wait', Seconds: 1, End: true },
      Choice: { Type: 'Choice', Choices: [{ Variable: '$.a', IsPresent: true, Next: 'B' }] },
      Succeed: { Type: 'Succeed' },
      Fail: { Type: 'Fail' },
    };
    for (const [type, state] of Object.entries(states))
      expect(await refused(state, result({}))).toBe(`ValidationException: State type '${type}' is not supported when a mock is specified`);
  });

  it('a mock of both ends, or of none', async () => {
    const both = 'ValidationException: A test mock should have only one of the following fields: [result, errorOutput].';
    expect(await refused(invoke, { mock: { ...result({}).mock, ...failure.mock } })).toBe(both);
    expect(await refused(invoke, { mock: {} })).toBe(both);
    expect(await refused(invoke, { mock: { result: '{' } })).toContain('not valid JSON');
  });

  it('to run without a mock what takes its time, or what has no role', async () => {
    for (const suffix of ['.waitForTaskToken', '.sync']) {
      const resource = suffix === '.sync' ? 'arn:aws:states:::codebuild:startBuild.sync' : `arn:aws:states:::lambda:invoke${suffix}`;
      const Parameters = suffix === '.sync' ? { ProjectName: 'p' } : { FunctionName: 'f', 'Payload.$': '$$.Task.Token' };
      expect(await refused({ ...invoke, Resource: resource, Parameters })).toContain('InvalidDefinition');
    }
    expect(await refused({ Type: 'Task', Resource: `arn:aws:states:eu-central-1:${account}:activity:a`, End: true })).toContain('Activity');
    expect(await refused(invoke)).toContain('RoleArn');
    expect(await refused(map)).toContain('does not support Map or Parallel');
  });

  it('a context that no state has', async () => {
    const context = (value: unknown) => refused(invoke, { ...result({ Payload: 1 }), input: { x: 1 }, context: value });
    expect(await context({ Execution: 'x' })).toBe(
      "ValidationException: Invalid Context object provided: Field 'Execution' must be an object",
    );
    expect(await context({ Execution: { Name: 5 } })).toContain("Field 'Name' must be a string");
    expect(await context({ State: { RetryCount: '1' } })).toContain("Field 'RetryCount' must be a number");
    expect(await context({ State: { Colour: 'red' } })).toContain("Field 'Colour' is not allowed");
    expect(await context([])).toContain('Invalid Context object provided');
    expect(await context({ Map: {} })).toContain("'Map' field is not supported");
    expect(await context({ Execution: { Input: [1] }, Task: { Token: 't' } })).toBe('not refused');
  });

  it('numbers and names that belong to other states', async () => {
    expect(await refused(invoke, { ...failure, stateConfiguration: { mapIterationFailureCount: 1 } })).toContain('Map states');
    expect(await refused(invoke, { ...failure, stateConfiguration: { errorCausedByState: 'Inner' } })).toContain('ValidationException');
    expect(await refused(map, { ...failure, stateConfiguration: { errorCausedByState: 'Other' } })).toContain('State not found: Other');
    expect(await refused(map, { ...failure, stateConfiguration: { errorCausedByState: 'Inner' } })).toBe('not refused');
    expect(await refused(map, { ...failure, stateConfiguration: { retrierRetryCount: -1 } })).toContain('ValidationException');
    expect(await refused({ StartAt: 'A', States: { A: { Type: 'Succeed' } } }, { stateName: 'toString' })).toContain(
      'State not found: toString',
    );
    expect(await refused(parallel, result([1]))).toContain('same number of items');
  });
});

describe('TestState shows', () => {
  it('how a JSONPath state changes its data, step by step', async () => {
    const state = {
      ...invoke,
      InputPath: '$.in',
      ResultSelector: { 'p.$': '$.Payload' },
      ResultPath: '$.out',
      OutputPath: '$.out',
    };
    const { inspectionData, output } = await test(state, { input: { in: { x: 7 } }, ...result({ Payload: 'done' }) });
    const shown = Object.fromEntries(
      Object.entries(inspectionData!).map(([name, value]) => [name, typeof value === 'string' ? JSON.parse(value) : value]),
    );
    expect(shown).toEqual({
      input: { in: { x: 7 } },
      afterInputPath: { x: 7 },
      afterParameters: { FunctionName: 'f', Payload: 7 },
      afterResultSelector: { p: 'done' },
      afterResultPath: { in: { x: 7 }, out: { p: 'done' } },
    });
    expect(JSON.parse(output!)).toEqual({ p: 'done' });
  });

  it('which retry or catch takes an error, by how often it was retried', async () => {
    const state = {
      ...invoke,
      Retry: [
        { ErrorEquals: ['Other'], MaxAttempts: 9 },
        { ErrorEquals: ['States.ALL'], IntervalSeconds: 2, BackoffRate: 3, MaxAttempts: 3, MaxDelaySeconds: 10 },
      ],
      Catch: [{ ErrorEquals: ['States.ALL'], Next: 'B', ResultPath: '$.error' }],
    };
    const retried = async (retrierRetryCount: number) => {
      const { status, inspectionData, output } = await test(state, {
        ...failure,
        input: { x: 1 },
        stateConfiguration: { retrierRetryCount },
      });
      return { status, details: inspectionData?.errorDetails, output };
    };
    expect(await retried(0)).toMatchObject({ status: 'RETRIABLE', details: { retryIndex: 1, retryBackoffIntervalSeconds: 2 } });
    expect(await retried(1)).toMatchObject({ details: { retryBackoffIntervalSeconds: 6 } });
    expect(await retried(2)).toMatchObject({ details: { retryBackoffIntervalSeconds: 10 } });
    expect(await retried(3)).toMatchObject({
      status: 'CAUGHT_ERROR',
      details: { catchIndex: 0 },
      output: JSON.stringify({ x: 1, error: { Error: 'Broken', Cause: 'because' } }),
    });
  });

  it('that a Map has had more failures than it tolerates', async () => {
    const state = (more: object) => ({ ...map, QueryLanguage: 'JSONata', ...more });
    const ended = async (more: object, mapIterationFailureCount: number) =>
      (await test(state(more), { ...result([1, 2, 3, 4]), stateConfiguration: { mapIterationFailureCount } })).status;
    expect(await ended({ ToleratedFailureCount: 2 }, 2)).toBe('SUCCEEDED');
    expect(await ended({ ToleratedFailureCount: 2 }, 3)).toBe('FAILED');
    expect(await ended({ ToleratedFailurePercentage: 50 }, 2)).toBe('SUCCEEDED');
    expect(await ended({ ToleratedFailurePercentage: 50 }, 3)).toBe('FAILED');
  });
});
