import {
  CreateScheduleCommand,
  CreateScheduleGroupCommand,
  DeleteScheduleCommand,
  GetScheduleCommand,
  ListSchedulesCommand,
  ListTagsForResourceCommand,
  SchedulerClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateScheduleCommand,
} from '@aws-sdk/client-scheduler';
import { describe, expect, it } from 'vitest';
import { clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { identities } from '../../../local/core/iam/identities.ts';
import { World } from '../../../local/core/world.ts';
import { nextDue, parseSchedule } from '../../../local/services/scheduler/expression.ts';
import { Scheduler } from '../../../local/services/scheduler/index.ts';
import { allows, machines, queues, trusts } from './double.ts';

const account = '111111111111';
const region = 'eu-central-1';
const queue = `arn:aws:sqs:${region}:${account}:work`;
const machine = `arn:aws:states:${region}:${account}:stateMachine:teardown`;

function build(start = Date.UTC(2026, 10, 2, 9, 0, 0)) {
  const clock = new VirtualClock(start);
  const sqs = queues();
  const states = machines();
  const world = new World(clock, { scheduler: (site) => new Scheduler(site), sqs: () => sqs, states: () => states });
  const iam = identities(world, account);
  const role = iam.createRole({ name: 'scheduler', trust: trusts('scheduler.amazonaws.com') });
  role.inline.set('all', allows(['sqs:SendMessage', 'states:StartExecution']));
  iam.createRole({ name: 'foreign', trust: trusts('ecs.amazonaws.com') });
  const credentials = iam.user('admin', { all: allows('*') });
  const client = new SchedulerClient(clientConfig(world, { region, credentials }));
  const target = { Arn: queue, RoleArn: role.arn, Input: '{"go":true}' };
  const create = (settings: Partial<ConstructorParameters<typeof CreateScheduleCommand>[0]>) =>
    client.send(
      new CreateScheduleCommand({
        Name: 'one',
        ScheduleExpression: 'rate(1 hour)',
        FlexibleTimeWindow: { Mode: 'OFF' },
        Target: target,
        ...settings,
      }),
    );
  const times = () => sqs.calls.map(({ time }) => new Date(time).toISOString());
  return { clock, world, sqs, states, role, client, target, create, times, iam };
}

const at = (iso: string) => Date.parse(iso);

describe('schedules', () => {
  it('call their target as their role at the time they name, in their zone', async () => {
    const { create, clock, sqs, times, role } = build();
    await create({ ScheduleExpression: 'cron(0 20 ? * MON-FRI *)', ScheduleExpressionTimezone: 'Europe/Berlin' });
    await clock.run({ until: at('2026-11-08T00:00:00Z') });
    expect(times()).toEqual(['2026-11-02', '2026-11-03', '2026-11-04', '2026-11-05', '2026-11-06'].map((day) => `${day}T19:00:00.000Z`));
    expect(sqs.calls[0]!.input).toEqual({ QueueUrl: `https://sqs.${region}.amazonaws.com/${account}/work`, MessageBody: '{"go":true}' });
    expect(sqs.calls[0]!.principal.roleArn).toBe(role.arn);
  });

  it('run every so often, from the start date or at once, until the end date', async () => {
    const one = build();
    await one.create({
      ScheduleExpression: 'rate(2 hours)',
      StartDate: new Date('2026-11-02T10:30:00Z'),
      EndDate: new Date('2026-11-02T15:00:00Z'),
    });
    await one.clock.run();
    expect(one.times()).toEqual(['10:30', '12:30', '14:30'].map((time) => `2026-11-02T${time}:00.000Z`));
    const other = build();
    await other.create({ ScheduleExpression: 'rate(30 minutes)' });
    await other.clock.run({ until: at('2026-11-02T10:00:00Z') });
    expect(other.times()).toEqual(['09:00', '09:30', '10:00'].map((time) => `2026-11-02T${time}:00.000Z`));
  });

  it('skip an hour that clocks skip and run once in an hour that they repeat', () => {
    const list = (text: string, zone: string, from: string, to: string) => {
      const expression = parseSchedule(text, zone)!;
      const found: string[] = [];
      for (let due = nextDue(expression, at(from) - 1, 0); due !== undefined && due < at(to); due = nextDue(expression, due, 0))
        found.push(new Date(due).toISOString().slice(0, 16));
      return found;
    };
    // Berlin: 29 March 2026 has no 02:30, 25 October has two.
    expect(list('cron(30 2 * * ? *)', 'Europe/Berlin', '2026-03-28T00:00Z', '2026-03-31T00:00Z')).toEqual([
      '2026-03-28T01:30',
      '2026-03-30T00:30',
    ]);
    expect(list('cron(30 2 * * ? *)', 'Europe/Berlin', '2026-10-24T00:00Z', '2026-10-27T00:00Z')).toEqual([
      '2026-10-24T00:30',
      '2026-10-25T00:30',
      '2026-10-26T01:30',
    ]);
    // New York, and Lord Howe, whose clocks move by half an hour.
    expect(list('cron(30 2 * * ? *)', 'America/New_York', '2026-03-07T05:00Z', '2026-03-10T04:00Z')).toEqual([
      '2026-03-07T07:30',
      '2026-03-09T06:30',
    ]);
    expect(list('cron(15 2 * * ? *)', 'Australia/Lord_Howe', '2026-10-02T13:00Z', '2026-10-05T13:00Z')).toEqual([
      '2026-10-02T15:45',
      '2026-10-04T15:15',
    ]);
    expect(list('cron(0 20 * * ? *)', 'Asia/Kolkata', '2026-03-28T00:00Z', '2026-03-30T00:00Z')).toEqual([
      '2026-03-28T14:30',
      '2026-03-29T14:30',
    ]);
  });

  it.each([
    ['L * ? *', ['2026-01-31', '2026-02-28', '2026-03-31']],
    ['LW * ? *', ['2026-01-30', '2026-02-27', '2026-03-31']],
    ['15W * ? *', ['2026-01-15', '2026-02-16', '2026-03-16']],
    ['? * 6L *', ['2026-01-30', '2026-02-27', '2026-03-27']],
    ['? * TUE#2 *', ['2026-01-13', '2026-02-10', '2026-03-10']],
    ['31 * ? *', ['2026-01-31', '2026-03-31', '2026-05-31']],
    ['1 1/3 ? 2026-2027', ['2026-01-01', '2026-04-01', '2026-07-01']],
    ['29 2 ? *', ['2028-02-29', '2032-02-29', '2036-02-29']],
    ['? 2 FRI-MON 2026', ['2026-02-01', '2026-02-02', '2026-02-06']],
  ])('understand cron(0 0 %s)', (fields, days) => {
    const expression = parseSchedule(`cron(0 0 ${fields})`, 'UTC')!;
    const found: string[] = [];
    for (
      let due = nextDue(expression, at('2025-12-31T12:00Z'), 0);
      due !== undefined && found.length < 3;
      due = nextDue(expression, due, 0)
    )
      found.push(new Date(due).toISOString().slice(0, 10));
    expect(found).toEqual(days);
  });

  it('start a state machine once and delete themselves afterwards', async () => {
    const { create, clock, states, client, target } = build();
    await create({
      ScheduleExpression: 'at(2026-11-02T22:15:00)',
      ScheduleExpressionTimezone: 'America/New_York',
      ActionAfterCompletion: 'DELETE',
      Target: { ...target, Arn: machine, Input: '{"at":"<aws.scheduler.scheduled-time>"}' },
    });
    await clock.run();
    expect(states.calls.map(({ time }) => new Date(time).toISOString())).toEqual(['2026-11-03T03:15:00.000Z']);
    expect(states.calls[0]!.input).toEqual({ stateMachineArn: machine, input: '{"at":"2026-11-03T03:15:00Z"}' });
    expect((await client.send(new ListSchedulesCommand({}))).Schedules).toEqual([]);
  });

  it('call any operation of a service as a universal target', async () => {
    const { create, clock, states, target } = build();
    const Input = JSON.stringify({ StateMachineArn: machine, Name: 'night', Input: '{}' });
    await create({
      ScheduleExpression: 'at(2026-11-02T10:00:00)',
      Target: { ...target, Arn: 'arn:aws:scheduler:::aws-sdk:sfn:startExecution', Input },
    });
    await clock.run();
    expect(states.calls[0]).toMatchObject({ operation: 'StartExecution', input: { stateMachineArn: machine, name: 'night', input: '{}' } });
  });

  it('may come anywhere in a flexible window, and keep one pending timer', async () => {
    const { create, clock, times } = build();
    await create({ ScheduleExpression: 'cron(0 12 * * ? *)', FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 60 } });
    await clock.run({ until: at('2026-11-06T00:00:00Z') });
    const offsets = times().map((time) => at(time) - at(`${time.slice(0, 10)}T12:00:00Z`));
    expect(offsets).toHaveLength(4);
    for (const offset of offsets) expect(offset).toBeGreaterThanOrEqual(0);
    for (const offset of offsets) expect(offset).toBeLessThan(3_600_000);
    expect(new Set(offsets).size).toBeGreaterThan(1);
  });

  it('change and stop with UpdateSchedule and DeleteSchedule', async () => {
    const { create, clock, times, client, target } = build();
    await create({ ScheduleExpression: 'cron(0 * * * ? *)' });
    await clock.run({ until: at('2026-11-02T10:30:00Z') });
    const update = { Name: 'one', FlexibleTimeWindow: { Mode: 'OFF' as const }, Target: target };
    await client.send(new UpdateScheduleCommand({ ...update, ScheduleExpression: 'cron(45 * * * ? *)' }));
    await clock.run({ until: at('2026-11-02T11:30:00Z') });
    await client.send(new UpdateScheduleCommand({ ...update, ScheduleExpression: 'cron(45 * * * ? *)', State: 'DISABLED' }));
    await clock.run({ until: at('2026-11-02T13:00:00Z') });
    expect(times().map((time) => time.slice(11, 16))).toEqual(['09:00', '10:00', '10:45']);
    expect((await client.send(new GetScheduleCommand({ Name: 'one' }))).State).toBe('DISABLED');
    await client.send(new DeleteScheduleCommand({ Name: 'one' }));
    await expect(client.send(new GetScheduleCommand({ Name: 'one' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Schedule one does not exist.',
    });
  });

  it('are tried again after a throttle, and go to the dead-letter queue when a permission is missing', async () => {
    const { create, clock, world, sqs, states, target, role } = build();
    world.faults.add({ kind: 'throttle', match: { service: 'sqs', operation: 'SendMessage' }, times: 2 });
    await create({ ScheduleExpression: 'at(2026-11-02T10:00:00)' });
    await clock.run();
    expect(sqs.calls).toHaveLength(1);
    expect(sqs.calls[0]!.time).toBeGreaterThan(at('2026-11-02T10:00:01Z'));
    role.inline.set('all', allows('sqs:SendMessage'));
    const dead = { Arn: `arn:aws:sqs:${region}:${account}:dead` };
    await create({
      Name: 'two',
      ScheduleExpression: 'at(2026-11-02T11:00:00)',
      Target: { ...target, Arn: machine, DeadLetterConfig: dead },
    });
    await clock.run();
    expect(states.calls).toHaveLength(0);
    expect(sqs.calls.at(-1)!.input).toMatchObject({
      QueueUrl: expect.stringMatching(/dead$/),
      MessageBody: '{"go":true}',
      MessageAttributes: { ERROR_CODE: { StringValue: 'AccessDeniedException' }, RETRY_ATTEMPTS: { StringValue: '0' } },
    });
  });

  it('are refused with the words of AWS', async () => {
    const { create, target, iam } = build();
    const foreign = iam.roleNamed('foreign')!.arn;
    await expect(create({ ScheduleExpression: 'cron(0 1 * * * *)' })).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'Invalid Schedule Expression cron(0 1 * * * *).',
    });
    await expect(create({ Target: { ...target, RoleArn: foreign } })).rejects.toMatchObject({
      message: 'The execution role you provide must allow AWS EventBridge Scheduler to assume the role.',
    });
    await expect(create({ GroupName: 'nightly' })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await create({});
    await expect(create({})).rejects.toMatchObject({ name: 'ConflictException', message: 'Schedule one already exists.' });
  });

  it('may not have begun long ago, but may name one moment that is past', async () => {
    const { create, clock, times } = build();
    const ago = (minutes: number) => new Date(clock.now() - minutes * 60_000);
    await expect(create({ StartDate: ago(6) })).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'The StartDate you specify cannot be earlier than 5 minutes ago.',
    });
    await create({ StartDate: ago(4), ScheduleExpression: 'rate(1 day)' });
    await create({ Name: 'past', ScheduleExpression: 'at(2026-11-02T08:59:00)', StartDate: ago(60) });
    await clock.run({ until: at('2026-11-03T08:00:00Z') });
    expect(times()).toEqual([]);
  });

  it('at a moment that clocks skip are refused, not forgotten', async () => {
    const { create } = build(at('2026-03-01T00:00:00Z'));
    const skipped = { ScheduleExpression: 'at(2026-03-29T02:30:00)', ScheduleExpressionTimezone: 'Europe/Berlin' };
    await expect(create(skipped)).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringMatching(/^Invalid Schedule Expression at\(2026-03-29T02:30:00\)\. Clocks in Europe\/Berlin skip that time/),
    });
    await create({ ...skipped, ScheduleExpressionTimezone: 'UTC' });
  });

  it('have tags on their groups, and nowhere else', async () => {
    const { client, create } = build();
    const { ScheduleGroupArn: ResourceArn } = await client.send(
      new CreateScheduleGroupCommand({ Name: 'nightly', Tags: [{ Key: 'team', Value: 'a' }], ClientToken: 'once' }),
    );
    expect(await client.send(new CreateScheduleGroupCommand({ Name: 'nightly', ClientToken: 'once' }))).toMatchObject({
      ScheduleGroupArn: ResourceArn,
    });
    const tags = async () => (await client.send(new ListTagsForResourceCommand({ ResourceArn }))).Tags;
    const Tags = [
      { Key: 'team', Value: 'b' },
      { Key: 'cost', Value: '1' },
    ];
    await client.send(new TagResourceCommand({ ResourceArn, Tags }));
    expect(await tags()).toEqual(Tags);
    await client.send(new UntagResourceCommand({ ResourceArn, TagKeys: ['team', 'absent'] }));
    expect(await tags()).toEqual([{ Key: 'cost', Value: '1' }]);
    const missing = ResourceArn!.replace('nightly', 'weekly');
    await expect(client.send(new TagResourceCommand({ ResourceArn: missing, Tags }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Schedule group weekly does not exist.',
    });
    const { ScheduleArn } = await create({});
    await expect(client.send(new TagResourceCommand({ ResourceArn: ScheduleArn, Tags }))).rejects.toMatchObject({
      name: 'ValidationException',
    });
  });

  it('need the right to create them and to pass their role', async () => {
    const { world, iam, target } = build();
    const credentials = iam.user('planner', { own: allows('scheduler:*') });
    const client = new SchedulerClient(clientConfig(world, { region, credentials }));
    const input = { Name: 'one', ScheduleExpression: 'rate(1 hour)', FlexibleTimeWindow: { Mode: 'OFF' as const }, Target: target };
    await expect(client.send(new CreateScheduleCommand(input))).rejects.toThrow(/iam:PassRole/);
  });
});
