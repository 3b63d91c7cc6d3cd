/** Executions that are run again by what the world gave them. */
import { describe, expect, it } from 'vitest';
import { Data, type Json } from '../../../local/asl/data.ts';
import type { TaskRequest } from '../../../local/asl/environment.ts';
import { AnotherWayError } from '../../../local/asl/past.ts';
import { TaskTokens } from '../../../local/asl/tokens.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { Random } from '../../../local/core/random.ts';
import { revisionOf } from '../../../local/services/states/machine.ts';
import { type Recorder, Recording } from '../../../local/services/states/recording.ts';

const START = Date.parse('2026-11-23T08:00:00Z');
const call = (name: string, more: object = {}) => ({
  Type: 'Task',
  Resource: `arn:aws:lambda:eu-central-1:111111111111:function:${name}`,
  ...more,
});
const machine = (States: object, StartAt: string) => JSON.stringify({ QueryLanguage: 'JSONata', StartAt, States });

/** The only thing that calls come to, in the order in which they were made. */
interface Call {
  readonly task: TaskRequest;
  resolve(value: Json): void;
}

function world() {
  const clock = new VirtualClock(START);
  const random = new Random(7);
  const calls: Call[] = [];
  const entered: Recording[] = [];
  const recorder: Recorder = {
    clock,
    random,
    region: 'eu-central-1',
    tokens: new TaskTokens(random),
    moment: undefined,
    request: (task) => new Promise<Json>((resolve) => calls.push({ task, resolve })),
    items: () => Promise.reject(new Error('there are none')),
    follow: () => {
      throw new Error('nothing is followed');
    },
    activityExists: () => false,
    activity: () => () => undefined,
    entered: (recording) => entered.push(recording),
  };
  const begin = (definition: string) => {
    const ambient = { now: () => recorder.moment ?? clock.now(), random };
    const recording = new Recording(recorder, {
      arn: 'arn:aws:states:eu-central-1:111111111111:execution:m:e',
      name: 'e',
      input: new Data({}),
      revision: revisionOf(definition, 'arn:aws:iam::111111111111:role/m', ambient, 0),
      stateMachine: { id: 'arn:aws:states:eu-central-1:111111111111:stateMachine:m', name: 'm' },
      longest: 1_000_000,
    });
    recording.begin();
    return recording;
  };
  return { clock, calls, entered, begin };
}

/** Two branches; each calls, waits, and calls again with the time of its wait. */
const sideBySide = machine(
  {
    Both: {
      Type: 'Parallel',
      End: true,
      Branches: ['A', 'B'].map((name) => ({
        StartAt: `${name}1`,
        States: {
          [`${name}1`]: call(name, { Output: '{% $states.result.n %}', Next: `${name}2` }),
          [`${name}2`]: { Type: 'Wait', Seconds: 60, Next: `${name}3` },
          [`${name}3`]: call(name, { Arguments: '{% {"n": $states.input, "now": $millis()} %}', End: true }),
        },
      })),
    },
  },
  'Both',
);

describe('an execution that is run again', () => {
  it('comes to where it was without a call, and goes on from there', async () => {
    const { clock, calls, entered, begin } = world();
    const recording = begin(sideBySide);
    await clock.settle();
    // The second branch is answered first, later the other.
    calls[1]!.resolve({ n: 2 });
    await clock.run({ until: START + 5_000 });
    calls[0]!.resolve({ n: 1 });
    await clock.run({ until: START + 62_000 });
    expect(calls.map(({ task }) => task.state)).toEqual(['A1', 'B1', 'B3']);
    calls[2]!.resolve('b');
    await clock.settle();
    const [before, transitions] = [recording.execution, entered.length];

    await recording.runAgain(before.history.events);
    expect(recording.execution).not.toBe(before);
    expect([calls.length, entered.length]).toEqual([3, transitions]);
    expect(recording.execution.history.events).toEqual(before.history.events);
    expect(recording.execution.running.map(({ state }) => state)).toEqual(before.running.map(({ state }) => state));

    await clock.run({ until: START + 70_000 });
    expect(calls[3]!.task).toMatchObject({ state: 'A3', arguments: { n: 1, now: START + 65_000 } });
    calls[3]!.resolve('a');
    await clock.settle();
    expect(recording.execution.end).toMatchObject({ status: 'SUCCEEDED', output: { value: ['a', 'b'] } });
    expect(before.end).toBeUndefined();
  });

  it('refuses to be one that had gone another way', async () => {
    const { clock, calls, begin } = world();
    const recording = begin(machine({ Ask: call('A', { End: true }) }, 'Ask'));
    await clock.settle();
    expect(calls).toHaveLength(1);
    const events = recording.execution.history.events.filter(({ type }) => type !== 'LambdaFunctionStarted');
    await expect(recording.runAgain(events)).rejects.toThrow(AnotherWayError);
  });
});

describe('an open execution', () => {
  it('cannot be saved while it calls, nor where it draws by chance', async () => {
    const { clock, calls, begin } = world();
    const calling = begin(machine({ Ask: call('A', { Next: 'Wait' }), Wait: { Type: 'Wait', Seconds: 60, End: true } }, 'Ask'));
    await clock.settle();
    expect(calling.refusal).toBe('a call is under way');
    calls[0]!.resolve({});
    await clock.settle();
    expect(calling.refusal).toBeUndefined();
    const drawing = begin(machine({ Wait: { Type: 'Wait', Seconds: '{% $floor($random() * 60) %}', End: true } }, 'Wait'));
    expect(drawing.refusal).toBe('its definition draws by chance');
  });

  it('that is stopped during a call does not mind the answer', async () => {
    const { clock, calls, begin } = world();
    const recording = begin(machine({ Ask: call('A', { End: true }) }, 'Ask'));
    await clock.settle();
    recording.stop();
    recording.finish();
    calls[0]!.resolve({});
    await clock.settle();
    expect(recording.execution.end).toMatchObject({ status: 'ABORTED' });
  });
});
