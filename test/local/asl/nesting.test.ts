import { describe, expect, it } from 'vitest';
import type { Json } from '../../../local/asl/data.ts';
import { StateError } from '../../../local/asl/error.ts';
import { begin, call, machine, run } from './machines.ts';

const wait = (Seconds: number) => ({ Type: 'Wait', Seconds, End: true });
const branch = (name: string, state: object) => ({ StartAt: name, States: { [name]: state } }) as never;

describe('Parallel', () => {
  it('gives every branch the arguments, runs them side by side and collects in their order', async () => {
    const ended = await run(
      machine({
        A: {
          Type: 'Parallel',
          Arguments: { n: '{% $states.input.n * 2 %}' },
          Branches: [branch('B', wait(20)), branch('C', { Type: 'Pass', Output: '{% $states.input.n %}', End: true })],
          Output: '{% $states.result %}',
          End: true,
        },
      }),
      { n: 2 },
    );
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: [{ n: 4 }, 4], time: 20_000 });
  });

  it('stops the other branches when one fails, and keeps what they would have done from happening', async () => {
    const started = begin(
      machine({
        A: {
          Type: 'Parallel',
          Branches: [
            { StartAt: 'B', States: { B: { Type: 'Wait', Seconds: 5, Next: 'F' }, F: { Type: 'Fail', Error: 'Broken' } } } as never,
            { StartAt: 'C', States: { C: { Type: 'Wait', Seconds: 10, Next: 'D' }, D: call('work', { End: true }) } } as never,
          ],
          Catch: [{ ErrorEquals: ['Broken'], Next: 'E' }],
          End: true,
        },
        E: wait(60),
      }),
      {},
      { functions: { work: () => null } },
    );
    expect(await started.run()).toMatchObject({ status: 'SUCCEEDED', output: { Error: 'Broken', Cause: '' } });
    expect(started.types()).toContain('WaitStateAborted');
    expect(started.tasks).toEqual([]);
  });

  it('sees outer variables, and keeps its own to itself', async () => {
    const ended = await run(
      machine({
        A: { Type: 'Pass', Assign: { outer: 'o' }, Next: 'B' },
        B: {
          Type: 'Parallel',
          Branches: [
            {
              StartAt: 'C',
              States: {
                C: { Type: 'Pass', Assign: { inner: '{% $outer & "i" %}' }, Next: 'D' },
                D: { Type: 'Pass', Output: '{% $inner %}', End: true },
              },
            } as never,
          ],
          Next: 'E',
        },
        E: { Type: 'Pass', Output: { seen: '{% $states.input %}', inner: '{% $exists($inner) %}' }, End: true },
      }),
    );
    expect(ended.output).toEqual({ seen: ['oi'], inner: false });
  });
});

describe('Map', () => {
  const over = (items: Json, state: object, more: object = {}) =>
    machine({ A: { Type: 'Map', Items: items, ItemProcessor: branch('B', state), End: true, ...more } });

  it('runs at most MaxConcurrency iterations side by side', async () => {
    let running = 0;
    let most = 0;
    const started = begin(
      over([1, 2, 3, 4, 5], call('work', { End: true }), { MaxConcurrency: 2 }),
      {},
      {
        functions: {
          work: async (payload) => {
            most = Math.max(most, ++running);
            await new Promise<void>((resolve) => started.clock.after(1000, 'work', resolve));
            running--;
            return payload;
          },
        },
      },
    );
    expect(await started.run()).toMatchObject({ output: [1, 2, 3, 4, 5], time: 3000 });
    expect(most).toBe(2);
  });

  it('runs forty at a time where nothing bounds it', async () => {
    expect((await run(over('{% [1..81] %}', wait(1)))).time).toBe(3000);
  });

  it('collects in the order of the items, whichever ends first', async () => {
    const inner = { Type: 'Wait', Seconds: '{% $states.input %}', End: true } as never;
    expect(await run(over([3, 1, 2], inner))).toMatchObject({ output: [3, 1, 2], time: 3000 });
  });

  it('fails with the first iteration that does, and aborts the others', async () => {
    const state = { Type: 'Choice', Choices: [{ Condition: '{% $states.input = 2 %}', Next: 'F' }], Default: 'W' };
    const inner = { StartAt: 'B', States: { B: state, F: { Type: 'Fail', Error: 'Two' }, W: wait(100) } } as never;
    const started = begin(machine({ A: { Type: 'Map', Items: [1, 2, 3], ItemProcessor: inner, End: true } }));
    expect(await started.run()).toMatchObject({ status: 'FAILED', error: 'Two', time: 0 });
    expect(started.types().filter((type) => /Aborted|Failed/.test(type!))).toEqual([
      'MapIterationFailed',
      'WaitStateAborted',
      'MapIterationAborted',
      'WaitStateAborted',
      'MapIterationAborted',
      'MapStateFailed',
      'ExecutionFailed',
    ]);
  });

  it('leaves nothing running when an iteration cannot even select its item', async () => {
    const started = begin(over([[1], []], wait(100), { ItemSelector: '{% $states.context.Map.Item.Value[0] %}' }));
    expect(await started.run()).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError', time: 0 });
    await started.clock.run();
    expect(started.clock.now()).toBe(started.execution.endedAt);
  });

  it('is retried as a whole', async () => {
    let calls = 0;
    const definition = over([1, 2], call('work', { End: true }), {
      MaxConcurrency: 1,
      Retry: [{ ErrorEquals: ['Broken'], IntervalSeconds: 3 }],
    });
    const ended = await run(
      definition,
      {},
      {
        functions: {
          work: (payload) => {
            if (++calls === 2) throw new StateError('Broken');
            return payload;
          },
        },
      },
    );
    expect(ended).toMatchObject({ output: [1, 2], time: 3000 });
    expect(calls).toBe(4);
  });
});

describe('a distributed Map', () => {
  const definition = (more: object = {}) =>
    machine({
      A: {
        Type: 'Map',
        ItemReader: {
          Resource: 'arn:aws:states:::s3:getObject',
          Arguments: { Bucket: 'b', Key: 'k' },
          ReaderConfig: { InputType: 'JSON' },
        },
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
          StartAt: 'B',
          States: { B: call('work', { End: true }) as never },
        },
        End: true,
        ...more,
      },
    });
  const functions = {
    work: (payload: Json) => {
      if (payload === 'bad') throw new StateError('Broken');
      return payload;
    },
  };

  it('runs items as executions of their own and tolerates failures as told', async () => {
    const items = ['a', 'bad', 'c', 'bad'];
    expect(await run(definition(), {}, { functions, items })).toMatchObject({
      status: 'FAILED',
      error: 'States.ExceedToleratedFailureThreshold',
    });
    expect(await run(definition({ ToleratedFailureCount: 2 }), {}, { functions, items })).toMatchObject({ output: ['a', 'c'] });
    expect(await run(definition({ ToleratedFailurePercentage: 49 }), {}, { functions, items })).toMatchObject({ status: 'FAILED' });
    expect(await run(definition({ ToleratedFailurePercentage: 50 }), {}, { functions, items })).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('hands out batches, bounded by number and by bytes', async () => {
    const items = ['aaaa', 'bbbb', 'cccc', 'd'.repeat(60)];
    const batch = { MaxItemsPerBatch: 2, MaxInputBytesPerBatch: 60, BatchInput: { n: 1 } };
    const { output } = await run(definition({ ItemBatcher: batch }), {}, { functions, items });
    expect(output).toEqual([['aaaa', 'bbbb'], ['cccc'], ['d'.repeat(60)]].map((Items) => ({ BatchInput: { n: 1 }, Items })));
  });

  it('stops its children with the execution', async () => {
    const started = begin(definition(), {}, { functions: { work: () => new Promise<Json>(() => {}) }, items: [1, 2] });
    await started.run(1000);
    started.execution.stop();
    await started.clock.settle();
    expect(started.types().slice(-2)).toEqual(['MapRunStarted', 'ExecutionAborted']);
  });
});
