import {
  CreateActivityCommand,
  CreateStateMachineAliasCommand,
  CreateStateMachineCommand,
  DeleteActivityCommand,
  DeleteStateMachineAliasCommand,
  DeleteStateMachineVersionCommand,
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  GetActivityTaskCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  ListStateMachineVersionsCommand,
  PublishStateMachineVersionCommand,
  RedriveExecutionCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
  TagResourceCommand,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { identities } from '../../../local/core/iam/identities.ts';
import { World } from '../../../local/core/world.ts';
import { Events } from '../../../local/services/events/index.ts';
import { Logs } from '../../../local/services/logs.ts';
import { States } from '../../../local/services/states/index.ts';
import { allows, trusts } from './double.ts';

const account = '111111111111';
const region = 'eu-central-1';
const place = `arn:aws:states:${region}:${account}`;
const DAY = 86_400;

function build() {
  const clock = new VirtualClock(Date.UTC(2026, 10, 2, 9, 0, 0));
  const world = new World(clock, {
    states: (site) => new States(site),
    events: (site) => new Events(site),
    logs: (site) => new Logs(site),
  });
  const iam = identities(world, account);
  const role = (name: string) => {
    const made = iam.createRole({ name, trust: trusts('states.amazonaws.com') });
    made.inline.set('all', allows('*'));
    return made.arn;
  };
  const client = new SFNClient(clientConfig(world, { region, credentials: iam.user('admin', { all: allows('*') }) }));
  const definition = (states: object) => JSON.stringify({ QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0], States: states });
  const roleArn = role('machine');
  const create = (states: object, more: object = {}) =>
    client.send(new CreateStateMachineCommand({ name: 'm', roleArn, definition: definition(states), ...more }));
  const start = async (input: unknown = {}, qualifier = '') =>
    (await client.send(new StartExecutionCommand({ stateMachineArn: `${place}:stateMachine:m${qualifier}`, input: JSON.stringify(input) })))
      .executionArn!;
  const describeIt = (executionArn: string) => client.send(new DescribeExecutionCommand({ executionArn }));
  const history = async (executionArn: string) => (await client.send(new GetExecutionHistoryCommand({ executionArn }))).events!;
  const pass = (seconds: number) => clock.run({ until: clock.now() + seconds * 1000 });
  return { clock, world, client, role, roleArn, definition, create, start, describe: describeIt, history, pass };
}

const refused = async (call: Promise<unknown>) => {
  try {
    await call;
    return 'not refused';
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
};

const done = { Type: 'Pass', End: true };
const other = { Type: 'Pass', Output: 'other', End: true };
const machineArn = `${place}:stateMachine:m`;

describe('a machine', () => {
  it('is made again by the same request, whatever its role and tags, and not by another', async () => {
    const { create, role } = build();
    const { stateMachineArn } = await create({ A: done });
    expect((await create({ A: done }, { roleArn: role('another'), tags: [{ key: 'a', value: 'b' }] })).stateMachineArn).toBe(
      stateMachineArn,
    );
    expect(await refused(create({ A: done }, { publish: true }))).toContain('StateMachineAlreadyExists');
    expect(await refused(create({ A: other }))).toContain('StateMachineAlreadyExists');
    expect(await refused(create({ A: done }, { type: 'EXPRESS' }))).toContain('StateMachineAlreadyExists');
  });

  it('has no revision id at first, and a new one for a change only', async () => {
    const { create, client, definition } = build();
    await create({ A: done });
    const look = async () => (await client.send(new DescribeStateMachineCommand({ stateMachineArn: machineArn }))).revisionId;
    const update = (states: object) =>
      client.send(new UpdateStateMachineCommand({ stateMachineArn: machineArn, definition: definition(states) }));
    expect(await look()).toBeUndefined();
    expect((await update({ A: done })).revisionId).toBeUndefined();
    const { revisionId } = await update({ A: other });
    expect(revisionId).toBeDefined();
    expect((await update({ A: other })).revisionId).toBe(revisionId);
    expect(await look()).toBe(revisionId);
  });

  it('logs to one group that is there, or not at all', async () => {
    const { create, world } = build();
    world.site(account, region).service('logs').createGroup('here');
    const group = (name: string) => ({
      cloudWatchLogsLogGroup: { logGroupArn: `arn:aws:logs:${region}:${account}:log-group:${name}:*` },
    });
    const with_ = (loggingConfiguration: object, name: string) => refused(create({ A: done }, { name, loggingConfiguration }));
    const one = 'InvalidLoggingConfiguration: Invalid Logging Configuration: Must specify exactly one Log Destination.';
    expect(await with_({ level: 'ALL' }, 'a')).toBe(one);
    expect(await with_({ level: 'OFF', destinations: [group('here'), group('here')] }, 'b')).toBe(one);
    expect(await with_({ level: 'ERROR', destinations: [group('gone')] }, 'c')).toContain('Log Destination not found');
    expect(await with_({ level: 'ERROR', destinations: [group('here')] }, 'd')).toBe('not refused');
  });

  it('tells which variables its states refer to', async () => {
    const { create, client } = build();
    await create({
      A: { Type: 'Pass', Assign: { x: 1, y: 2 }, Next: 'B' },
      B: { Type: 'Pass', Output: '{% [$y, $x, $now(), $states.input] %}', End: true },
    });
    const { variableReferences } = await client.send(new DescribeStateMachineCommand({ stateMachineArn: machineArn }));
    expect(variableReferences).toEqual({ B: ['x', 'y'] });
  });

  it('is named by its ARN and by nothing else', async () => {
    const { client } = build();
    const look = (stateMachineArn: string) => refused(client.send(new DescribeStateMachineCommand({ stateMachineArn })));
    expect(await look('nonsense')).toBe("InvalidArn: Invalid Arn: 'Invalid ARN prefix: nonsense'");
    expect(await look('arn:aws:sqs:eu-central-1:111111111111:q')).toContain('Invalid ARN prefix');
    expect(await look(`${place}:execution:m:e`)).toBe("InvalidArn: Invalid Arn: 'Resource type not valid in this context: execution'");
    expect(await refused(client.send(new DescribeExecutionCommand({ executionArn: machineArn })))).toContain('stateMachine');
    expect(await refused(client.send(new StopExecutionCommand({ executionArn: 'x' })))).toContain('InvalidArn');
    expect(await look(`${place}:stateMachine:${'x'.repeat(256)}`)).toContain('Member must have length less than or equal to 256');
  });
});

describe('versions and aliases', () => {
  const versions = (client: SFNClient) => client.send(new ListStateMachineVersionsCommand({ stateMachineArn: machineArn }));
  const alias = (name: string, routes: Readonly<Record<string, number>>, description = 'd') =>
    new CreateStateMachineAliasCommand({
      name,
      description,
      routingConfiguration: Object.entries(routes).map(([version, weight]) => ({
        stateMachineVersionArn: `${machineArn}:${version}`,
        weight,
      })),
    });

  it('are published once for each revision, of the revision that is meant', async () => {
    const { create, client, definition } = build();
    await create({ A: done }, { publish: true });
    const publish = (more: object = {}) => client.send(new PublishStateMachineVersionCommand({ stateMachineArn: machineArn, ...more }));
    expect((await publish({ revisionId: 'INITIAL' })).stateMachineVersionArn).toBe(`${machineArn}:1`);
    const { revisionId } = await client.send(
      new UpdateStateMachineCommand({ stateMachineArn: machineArn, definition: definition({ A: other }) }),
    );
    expect(await refused(publish({ revisionId: 'INITIAL' }))).toBe(
      `ConflictException: Failed to publish the State Machine version for revision INITIAL. The current State Machine revision is ${revisionId}.`,
    );
    expect((await publish({ revisionId })).stateMachineVersionArn).toBe(`${machineArn}:2`);
    expect((await versions(client)).stateMachineVersions).toHaveLength(2);
  });

  it('are deleted twice with success', async () => {
    const { create, client } = build();
    await create({ A: done }, { publish: true });
    await client.send(alias('live', { 1: 100 }));
    for (let times = 0; times < 2; times++)
      await client.send(new DeleteStateMachineAliasCommand({ stateMachineAliasArn: `${machineArn}:live` }));
    for (let times = 0; times < 2; times++)
      await client.send(new DeleteStateMachineVersionCommand({ stateMachineVersionArn: `${machineArn}:1` }));
    expect((await versions(client)).stateMachineVersions).toEqual([]);
  });

  it('are routed to by lists that make sense', async () => {
    const { create, client, definition } = build();
    await create({ A: done }, { publish: true });
    await client.send(new UpdateStateMachineCommand({ stateMachineArn: machineArn, definition: definition({ A: other }), publish: true }));
    expect(await refused(client.send(alias('a', { 1: 50, 2: 49 })))).toContain('ValidationException');
    expect(await refused(client.send(alias('a', { 1: 50, 3: 50 })))).toContain('ResourceNotFound');
    expect(await refused(client.send(alias('a', {})))).toContain('ValidationException');
    expect(await refused(client.send(alias('7', { 1: 100 })))).toContain('regular expression pattern');
    expect((await client.send(alias('a', { 1: 50, 2: 50 }))).stateMachineAliasArn).toBe(`${machineArn}:a`);
    expect((await client.send(alias('a', { 1: 50, 2: 50 }))).stateMachineAliasArn).toBe(`${machineArn}:a`);
    expect(await refused(client.send(alias('a', { 2: 100 })))).toContain('ConflictException');
    expect(await refused(client.send(alias('a', { 1: 50, 2: 50 }, 'another')))).toContain('ConflictException');
  });

  it('list the executions that were started through them', async () => {
    const { create, client, start, pass } = build();
    await create({ A: done }, { publish: true });
    await client.send(alias('live', { 1: 100 }));
    await client.send(alias('beta', { 1: 100 }));
    const started = { alias: await start({}, ':live'), version: await start({}, ':1'), machine: await start() };
    await pass(1);
    const list = async (qualifier: string) =>
      (await client.send(new ListExecutionsCommand({ stateMachineArn: `${machineArn}${qualifier}` }))).executions!.map(
        (one) => one.executionArn,
      );
    expect(await list(':live')).toEqual([started.alias]);
    expect(await list(':beta')).toEqual([]);
    expect((await list(':1')).sort()).toEqual([started.alias, started.version].sort());
    expect(await list('')).toHaveLength(3);
  });
});

describe('a list of executions', () => {
  it('is of a STANDARD machine, and not of those that wait to be redriven', async () => {
    const { create, client } = build();
    await create({ A: done }, { type: 'EXPRESS' });
    const list = (more: object = {}) => refused(client.send(new ListExecutionsCommand({ stateMachineArn: machineArn, ...more })));
    expect(await list()).toBe('StateMachineTypeNotSupported: This operation is not supported by this type of state machine');
    expect(await list({ stateMachineArn: undefined })).toContain('ValidationException');
    expect(await list({ maxResults: 1001 })).toContain('Member must have value less than or equal to 1000');
  });
});

describe('an execution that failed', () => {
  it('goes on where it stopped, and does not do again what had come to its end', async () => {
    const { create, client, start, describe: look, history, pass } = build();
    const branch = (name: string, seconds: number) => ({
      StartAt: name,
      States: { [name]: { Type: 'Wait', Seconds: seconds, Output: '{% $n %}', End: true } },
    });
    await create({
      First: { Type: 'Pass', Assign: { n: '{% $states.input.n %}' }, Next: 'Both' },
      Both: { Type: 'Parallel', Branches: [branch('Short', 5), branch('Long', 100)], End: true },
    });
    const executionArn = await start({ n: 7 });
    await pass(60);
    await client.send(new StopExecutionCommand({ executionArn }));
    expect(await look(executionArn)).toMatchObject({ status: 'ABORTED', redriveStatus: 'REDRIVABLE', redriveCount: 0 });
    const before = (await history(executionArn)).length;
    await client.send(new RedriveExecutionCommand({ executionArn }));
    expect(await look(executionArn)).toMatchObject({ status: 'RUNNING', redriveCount: 1, redriveStatus: 'NOT_REDRIVABLE' });
    await pass(99);
    expect((await look(executionArn)).status).toBe('RUNNING');
    await pass(1);
    expect(await look(executionArn)).toMatchObject({ status: 'SUCCEEDED', output: '[7,7]' });
    const since = (await history(executionArn)).slice(before);
    expect(since[0]).toMatchObject({ type: 'ExecutionRedriven', executionRedrivenEventDetails: { redriveCount: 1 } });
    expect(since.flatMap((event) => event.stateExitedEventDetails?.name ?? [])).toEqual(['Long', 'Both']);
  });

  it('is redriven within two weeks, if it did not succeed and does not run', async () => {
    const { create, client, start, pass } = build();
    await create({ A: { Type: 'Wait', Seconds: 100, End: true } });
    const redrive = (executionArn: string) => refused(client.send(new RedriveExecutionCommand({ executionArn })));
    const executionArn = await start();
    await pass(1);
    expect(await redrive(executionArn)).toBe(
      "ExecutionNotRedrivable: Execution Not Redrivable: 'Execution is RUNNING and cannot be redriven'",
    );
    await client.send(new StopExecutionCommand({ executionArn }));
    expect(await redrive(executionArn)).toBe('not refused');
    await pass(1000);
    expect(await redrive(executionArn)).toContain('Execution is SUCCEEDED and cannot be redriven');
    const late = await start();
    await pass(1);
    await client.send(new StopExecutionCommand({ executionArn: late }));
    await pass(14 * DAY);
    expect(await redrive(late)).toContain('Execution redrivable period exceeded');
    const filtered = async (redriveFilter: 'REDRIVEN' | 'NOT_REDRIVEN') =>
      (await client.send(new ListExecutionsCommand({ stateMachineArn: machineArn, redriveFilter }))).executions!.map(
        (one) => one.executionArn,
      );
    expect(await filtered('REDRIVEN')).toEqual([executionArn]);
    expect(await filtered('NOT_REDRIVEN')).toEqual([late]);
  });
});

describe('an activity', () => {
  const activityArn = `${place}:activity:work`;

  it('gives its tasks to the workers that ask, and ends a state by their answer', async () => {
    const { create, client, start, describe: look, clock, pass } = build();
    await client.send(new CreateActivityCommand({ name: 'work' }));
    await create({ A: { Type: 'Task', Resource: activityArn, Arguments: { n: '{% $states.input.n %}' }, TimeoutSeconds: 30, End: true } });
    const asked = client.send(new GetActivityTaskCommand({ activityArn, workerName: 'w' }));
    await pass(10);
    const executionArn = await start({ n: 7 });
    await pass(1);
    const { taskToken, input } = await asked;
    expect(JSON.parse(input!)).toEqual({ n: 7 });
    await client.send(new SendTaskSuccessCommand({ taskToken: taskToken!, output: '"done"' }));
    await clock.run();
    expect(await look(executionArn)).toMatchObject({ status: 'SUCCEEDED', output: '"done"' });
  });

  it('lets a state wait until a worker comes, and counts its time from then on', async () => {
    const { create, client, start, describe: look, history, pass } = build();
    await client.send(new CreateActivityCommand({ name: 'work' }));
    await create({ A: { Type: 'Task', Resource: activityArn, TimeoutSeconds: 30, End: true } });
    const executionArn = await start();
    await pass(DAY);
    expect((await look(executionArn)).status).toBe('RUNNING');
    const asked = client.send(new GetActivityTaskCommand({ activityArn }));
    await pass(29);
    expect((await asked).taskToken).toBeDefined();
    expect((await look(executionArn)).status).toBe('RUNNING');
    await pass(1);
    expect(await look(executionArn)).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    expect((await history(executionArn)).map(({ type }) => type)).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'ActivityScheduled',
      'ActivityStarted',
      'ActivityTimedOut',
      'ExecutionFailed',
    ]);
  });

  it('answers a worker with nothing after a minute, and is gone when it is deleted', async () => {
    const { client, pass } = build();
    await client.send(new CreateActivityCommand({ name: 'work' }));
    const asked = client.send(new GetActivityTaskCommand({ activityArn }));
    await pass(60);
    expect((await asked).taskToken).toBeUndefined();
    await client.send(new DeleteActivityCommand({ activityArn }));
    expect(await refused(client.send(new GetActivityTaskCommand({ activityArn })))).toContain('ActivityDoesNotExist');
    expect(await refused(client.send(new CreateActivityCommand({ name: 'a b' })))).toBe("InvalidName: Invalid Name: 'a b'");
  });
});

describe('tags', () => {
  it('are those of machines and activities that are there, at most fifty', async () => {
    const { create, client } = build();
    await create({ A: done }, { publish: true });
    const tag = (resourceArn: string, many = 1) =>
      refused(
        client.send(
          new TagResourceCommand({ resourceArn, tags: Array.from({ length: many }, (_, index) => ({ key: `k${index}`, value: 'v' })) }),
        ),
      );
    expect(await tag(`${machineArn}:1`)).toBe(`ResourceNotFound: Resource not found: '${machineArn}:1'`);
    expect(await tag(`${place}:activity:none`)).toContain('ResourceNotFound');
    expect(await tag(machineArn, 50)).toBe('not refused');
    expect(await tag(machineArn, 51)).toContain('TooManyTags');
  });
});
