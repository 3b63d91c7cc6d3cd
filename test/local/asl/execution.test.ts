import { describe, expect, it } from 'vitest';
import { PAYLOAD_LIMIT } from '../../../local/asl/data.ts';
import { StateError } from '../../../local/asl/error.ts';
import { begin, call, machine, run } from './machines.ts';

const end = { Type: 'Pass', End: true };

describe('data on its way through a machine', () => {
  it('is the input, unless Output says otherwise', async () => {
    const definition = machine({
      A: { Type: 'Pass', Output: { sum: '{% $states.input.a + 1 %}', kept: '{% $states.input %}' }, Next: 'B' },
      B: end,
    });
    expect(await run(definition, { a: 1 })).toMatchObject({ status: 'SUCCEEDED', output: { sum: 2, kept: { a: 1 } } });
  });

  it('assigns variables against the values from before, all at once', async () => {
    const definition = machine({
      A: { Type: 'Pass', Assign: { x: 1, y: 2 }, Next: 'B' },
      B: { Type: 'Pass', Assign: { x: '{% $y %}', y: '{% $x %}' }, Output: '{% [$x, $y] %}', Next: 'C' },
      C: { Type: 'Pass', Output: { before: '{% $states.input %}', after: '{% [$x, $y] %}' }, End: true },
    });
    expect((await run(definition)).output).toEqual({ before: [1, 2], after: [2, 1] });
  });

  it('fails where an expression gives nothing, and says where', async () => {
    const ended = await run(machine({ A: { Type: 'Pass', Output: { list: ['{% $states.input.nothing %}'] }, End: true } }));
    expect(ended).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' });
    expect(ended.cause).toContain("specified for the field 'Output/list[0]' returned nothing (undefined).");
  });

  it('may not grow beyond 256 KiB, and only a Catch that names the error takes it', async () => {
    const big = (errors: string[]) =>
      machine({
        A: call('big', { Catch: [{ ErrorEquals: errors, Next: 'C' }], Next: 'B' }),
        B: end,
        C: { Type: 'Pass', Output: '{% $states.input.Error %}', End: true },
      });
    const functions = { big: () => 'x'.repeat(PAYLOAD_LIMIT) };
    expect(await run(big(['States.ALL']), {}, { functions })).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' });
    expect(await run(big(['States.DataLimitExceeded']), {}, { functions })).toMatchObject({ output: 'States.DataLimitExceeded' });
  });

  it('keeps arrays of one where JSONata keeps them, and passes on no marks of JSONata', async () => {
    const definition = machine({
      A: { Type: 'Pass', Assign: { list: "{% $states.input.all[kind = 'a'] %}" }, Next: 'B' },
      B: { Type: 'Pass', Output: { count: '{% $count($list) %}', again: '{% [$list] %}', all: '{% $list.n %}' }, End: true },
    });
    const all = [1, 2, 3].map((n) => ({ kind: n === 3 ? 'b' : 'a', n }));
    expect((await run(definition, { all })).output).toEqual({ count: 2, again: all.slice(0, 2), all: [1, 2] });
  });
});

describe('the context object', () => {
  it('tells execution, machine, state and item, and times in ISO form', async () => {
    const definition = machine({
      A: { Type: 'Wait', Seconds: 60, Next: 'B' },
      B: {
        Type: 'Map',
        Items: ['x', 'y'],
        ItemSelector: { at: '{% $states.context.Map.Item.Index %}', what: '{% $states.context.Map.Item.Value %}' },
        ItemProcessor: {
          StartAt: 'C',
          States: { C: { Type: 'Pass', Output: { got: '{% $states.input %}', context: '{% $states.context %}' }, End: true } },
        },
        End: true,
      },
    });
    const { output } = await run(definition, { in: 1 });
    expect(output).toMatchObject([
      {
        got: { at: 0, what: 'x' },
        context: {
          Execution: {
            Id: 'arn:aws:states:eu-central-1:111111111111:execution:m:e',
            Input: { in: 1 },
            Name: 'e',
            RoleArn: 'arn:aws:iam::111111111111:role/m',
            StartTime: '2026-11-02T09:00:00.000Z',
            RedriveCount: 0,
          },
          StateMachine: { Id: 'arn:aws:states:eu-central-1:111111111111:stateMachine:m', Name: 'm' },
          State: { Name: 'C', EnteredTime: '2026-11-02T09:01:00.000Z' },
          Map: { Item: { Index: 0, Value: 'x' } },
        },
      },
      { got: { at: 1, what: 'y' } },
    ]);
  });

  it('counts retries and gives every attempt a token of its own', async () => {
    const seen: { token: string | undefined; given: unknown }[] = [];
    const started = begin(
      machine({
        A: {
          Type: 'Task',
          Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
          Arguments: {
            FunctionName: 'ask',
            Payload: { token: '{% $states.context.Task.Token %}', retries: '{% $states.context.State.RetryCount %}' },
          },
          TimeoutSeconds: 10,
          Retry: [{ ErrorEquals: ['States.Timeout'], MaxAttempts: 1, IntervalSeconds: 5 }],
          End: true,
        },
      }),
      {},
      {
        functions: {
          ask: (payload, { token }) => {
            seen.push({ token, given: payload });
            return null;
          },
        },
      },
    );
    const { time, error } = await started.run();
    expect(seen).toEqual([
      { token: seen[0]!.token, given: { token: seen[0]!.token, retries: 0 } },
      { token: seen[1]!.token, given: { token: seen[1]!.token, retries: 1 } },
    ]);
    expect(seen[0]!.token).not.toBe(seen[1]!.token);
    expect({ time, error }).toEqual({ time: 25_000, error: 'States.Timeout' });
    expect(started.environment.tokens.find(seen[0]!.token!)).toBe('closed');
    expect(started.environment.tokens.find('made up')).toBe('invalid');
  });
});

describe('Choice', () => {
  const definition = (more: object = {}) =>
    machine({
      A: {
        Type: 'Choice',
        Choices: [
          { Condition: '{% $states.input.n > 10 %}', Assign: { size: 'big' }, Output: { rule: 1 }, Next: 'B' },
          { Condition: '{% $states.input.n > 5 %}', Next: 'B' },
        ],
        Assign: { size: 'small' },
        Output: { rule: 'default' },
        ...more,
      },
      B: { Type: 'Pass', Output: { size: "{% $exists($size) ? $size : 'none' %}", input: '{% $states.input %}' }, End: true },
    });

  it('takes the first rule that holds, with that rule’s own Assign and Output', async () => {
    expect((await run(definition(), { n: 11 })).output).toEqual({ size: 'big', input: { rule: 1 } });
    expect((await run(definition(), { n: 6 })).output).toEqual({ size: 'none', input: { n: 6 } });
  });

  it('takes Default with those of the state, and fails without one', async () => {
    expect((await run(definition({ Default: 'B' }), { n: 1 })).output).toEqual({ size: 'small', input: { rule: 'default' } });
    expect(await run(definition(), { n: 1 })).toMatchObject({ status: 'FAILED', error: 'States.NoChoiceMatched' });
  });

  it('wants a boolean', async () => {
    const ended = await run(machine({ A: { Type: 'Choice', Choices: [{ Condition: "{% 'yes' %}", Next: 'B' }] }, B: end }));
    expect(ended.cause).toContain("Expected 'boolean', but was 'string' for value: \"yes\"");
  });
});

describe('Wait and the time limit of a machine', () => {
  it('waits for seconds, or until a time with an offset, and not at all for a time that is past', async () => {
    const until = (Timestamp: string) => run(machine({ A: { Type: 'Wait', Timestamp, End: true } }));
    expect((await run(machine({ A: { Type: 'Wait', Seconds: '{% $states.input.s %}', End: true } }), { s: 90 })).time).toBe(90_000);
    expect((await until('2026-11-02T11:30:00+02:00')).time).toBe(1_800_000);
    expect((await until('2020-01-01T00:00:00Z')).time).toBe(0);
  });

  it('ends the execution with TIMED_OUT, and what runs in it', async () => {
    const started = begin(
      machine(
        { A: { Type: 'Parallel', Branches: [{ StartAt: 'B', States: { B: { Type: 'Wait', Seconds: 1000, End: true } } }], End: true } },
        { TimeoutSeconds: 30 } as never,
      ),
    );
    expect(await started.run()).toMatchObject({ status: 'TIMED_OUT', error: 'States.Timeout', time: 30_000 });
    // AWS records the end alone, which follows nothing.
    expect(started.types().slice(-3)).toEqual(['ParallelStateStarted', 'WaitStateEntered', 'ExecutionTimedOut']);
    expect(started.execution.history.events.at(-1)!.previousEventId).toBe(0);
    await started.clock.run();
    expect(started.types().at(-1)).toBe('ExecutionTimedOut');
  });
});

describe('Retry and Catch', () => {
  const failing = (error: string) => ({
    work: () => {
      throw new StateError(error, 'because');
    },
  });
  const times = async (retry: object, seed?: number) => {
    const started = begin(
      machine({ A: call('work', { Retry: [retry], End: true }) }),
      {},
      { functions: failing('Broken'), ...(seed === undefined ? {} : { seed }) },
    );
    await started.run();
    return started.tasks.map(({ time }) => time / 1000);
  };

  it('waits one second and twice as long each time, three times, by default', async () => {
    expect(await times({ ErrorEquals: ['Broken'] })).toEqual([0, 1, 3, 7]);
  });

  it('obeys interval, rate, number and the longest delay', async () => {
    const retry = { ErrorEquals: ['States.ALL'], IntervalSeconds: 2, BackoffRate: 3, MaxAttempts: 3, MaxDelaySeconds: 10 };
    expect(await times(retry)).toEqual([0, 2, 8, 18]);
    expect(await times({ ErrorEquals: ['Broken'], MaxAttempts: 0 })).toEqual([0]);
  });

  it('draws delays anywhere below the computed one with full jitter, the same for the same seed', async () => {
    const retry = { ErrorEquals: ['Broken'], IntervalSeconds: 100, BackoffRate: 1, JitterStrategy: 'FULL' };
    const drawn = await times(retry, 1);
    const delays = drawn.slice(1).map((time, index) => time - drawn[index]!);
    expect(delays.every((delay) => delay >= 0 && delay < 100)).toBe(true);
    expect(new Set(delays).size).toBe(3);
    expect(await times(retry, 1)).toEqual(drawn);
    expect(await times(retry, 2)).not.toEqual(drawn);
  });

  it('counts the attempts of each retrier by itself', async () => {
    let attempt = 0;
    const started = begin(
      machine({
        A: call('work', {
          Retry: [
            { ErrorEquals: ['Odd'], MaxAttempts: 1, IntervalSeconds: 1 },
            { ErrorEquals: ['Even'], MaxAttempts: 2, IntervalSeconds: 10, BackoffRate: 1 },
          ],
          End: true,
        }),
      }),
      {},
      {
        functions: {
          work: () => {
            throw new StateError(attempt++ % 2 === 0 ? 'Even' : 'Odd');
          },
        },
      },
    );
    expect((await started.run()).error).toBe('Odd');
    expect(started.tasks.map(({ time }) => time / 1000)).toEqual([0, 10, 11, 21]);
    expect(started.entered).toHaveLength(4);
  });

  it('goes where the first Catch that fits says, and is retried as the first Retry that fits says', async () => {
    const wanted = { ErrorEquals: ['Broken'], Next: 'First' };
    const other = { ErrorEquals: ['Broken', 'Other'], Next: 'Second' };
    const caught = async (list: readonly object[]) => {
      const states = { A: call('work', { Catch: list, End: true }), First: { ...end, Output: 1 }, Second: { ...end, Output: 2 } };
      return (await run(machine(states), {}, { functions: failing('Broken') })).output;
    };
    expect(await caught([wanted, other])).toBe(1);
    expect(await caught([other, wanted])).toBe(2);
    const slow = { ErrorEquals: ['Broken'], IntervalSeconds: 50, MaxAttempts: 1 };
    const fast = { ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 1, MaxAttempts: 5 };
    const lasted = async (Retry: readonly object[]) =>
      (await run(machine({ A: call('work', { Retry, End: true }) }), {}, { functions: failing('Broken') })).time;
    expect(await lasted([slow, fast])).toBe(50_000);
    expect(await lasted([fast, slow])).toBe(31_000);
  });

  it('catches by name, by States.TaskFailed and by States.ALL, each by its own rule', async () => {
    const caught = async (error: string, name: string) => {
      const definition = machine({ A: call('work', { Catch: [{ ErrorEquals: [name], Next: 'C' }], End: true }), C: end });
      return (await run(definition, {}, { functions: failing(error) })).status === 'SUCCEEDED';
    };
    expect(await caught('Broken', 'Broken')).toBe(true);
    expect(await caught('Broken', 'Other')).toBe(false);
    expect(await caught('Broken', 'States.TaskFailed')).toBe(true);
    expect(await caught('States.Timeout', 'States.TaskFailed')).toBe(false);
    expect(await caught('States.Timeout', 'States.ALL')).toBe(true);
    expect(await caught('States.Runtime', 'States.ALL')).toBe(false);
    expect(await caught('States.Runtime', 'States.Runtime')).toBe(false);
  });

  it('shows the error in errorOutput, to the Catch’s own Assign and Output only', async () => {
    const definition = machine({
      A: call('work', {
        Assign: { done: true },
        Catch: [
          { ErrorEquals: ['States.ALL'], Assign: { why: '{% $states.errorOutput.Cause %}' }, Output: '{% $states.input.id %}', Next: 'C' },
        ],
        Next: 'B',
      }),
      B: end,
      C: { Type: 'Pass', Output: { why: '{% $why %}', input: '{% $states.input %}', done: '{% $exists($done) %}' }, End: true },
    });
    expect((await run(definition, { id: 7 }, { functions: failing('Broken') })).output).toEqual({ why: 'because', input: 7, done: false });
  });

  it('follows the catcher of a state that would end the machine', async () => {
    const definition = machine({
      A: call('work', { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'C' }], End: true }),
      C: { Type: 'Fail', Error: 'Red', Cause: '{% $states.input.Cause %}' },
    });
    expect(await run(definition, {}, { functions: failing('Broken') })).toMatchObject({ status: 'FAILED', error: 'Red', cause: 'because' });
  });

  it('retries and catches an expression that fails in the state itself', async () => {
    const definition = machine({
      A: call('work', {
        Output: '{% $states.result.Payload.missing %}',
        Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'C' }],
        End: true,
      }),
      C: { Type: 'Pass', Output: 'caught', End: true },
    });
    expect((await run(definition, {}, { functions: { work: () => ({}) } })).output).toBe('caught');
  });
});

describe('a history', () => {
  it('numbers events, chains them and ends the execution at 25,000', async () => {
    const started = begin(
      machine(
        { A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Pass', Next: 'A' }, C: end },
        { States: { A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Pass', Next: 'A' } } },
      ),
    );
    expect(await started.run()).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: 'The execution reached the maximum number of history events (25000).',
    });
    const { events } = started.execution.history;
    expect(events).toHaveLength(25_000);
    expect(events.slice(0, 4).map(({ id, previousEventId, type }) => [id, previousEventId, type])).toEqual([
      [1, 0, 'ExecutionStarted'],
      [2, 0, 'PassStateEntered'],
      [3, 2, 'PassStateExited'],
      [4, 3, 'PassStateEntered'],
    ]);
  });

  it('costs little for each transition', async () => {
    const definition = machine({
      A: { Type: 'Pass', Assign: { n: 0 }, Next: 'B' },
      B: {
        Type: 'Pass',
        Assign: { n: '{% $n + 1 %}' },
        Output: { n: '{% $n %}', at: '{% $states.context.State.EnteredTime %}' },
        Next: 'C',
      },
      C: { Type: 'Choice', Choices: [{ Condition: '{% $n < 2000 %}', Next: 'B' }], Default: 'D' },
      D: end,
    });
    const each = [];
    // The least of three: other tests share the cores, and a collection of their garbage may fall into one.
    for (let round = 0; round < 3; round++) {
      const started = begin(definition);
      const before = performance.now();
      await started.run();
      expect(started.entered.length).toBeGreaterThan(4000);
      each.push((performance.now() - before) / started.entered.length);
    }
    expect(Math.min(...each)).toBeLessThan(0.3);
  });
});
