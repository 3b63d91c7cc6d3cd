import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateStateMachineAliasCommand,
  CreateStateMachineCommand,
  DeleteStateMachineCommand,
  DeleteStateMachineVersionCommand,
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  PublishStateMachineVersionCommand,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
  TestStateCommand,
  UpdateStateMachineCommand,
  ValidateStateMachineDefinitionCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { clientConfig } from '../../../local/core/client.ts';
import { VirtualClock } from '../../../local/core/clock.ts';
import { denials } from '../../../local/core/iam/authorize.ts';
import { identities } from '../../../local/core/iam/identities.ts';
import { type PolicyDocument, type ResourceContext, ServiceError } from '../../../local/core/service.ts';
import { World } from '../../../local/core/world.ts';
import { DynamoDb } from '../../../local/services/dynamodb/index.ts';
import { Events } from '../../../local/services/events/index.ts';
import { States } from '../../../local/services/states/index.ts';
import { Sts } from '../../../local/services/sts.ts';
import { allows, Double, trusts } from './double.ts';

const account = '111111111111';
const region = 'eu-central-1';
const start = Date.UTC(2026, 10, 2, 9, 0, 0);
const arnOf = (name: string) => `arn:aws:states:${region}:${account}:stateMachine:${name}`;
const functionArn = (name: string) => `arn:aws:lambda:${region}:${account}:function:${name}`;

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** Functions that answer as the test says; `fail` gives a function's own error, `refuse` an error of Lambda. */
function functions(answers: Readonly<Record<string, (payload: unknown) => unknown>> = {}) {
  return new Double(
    {
      Invoke: async ({ FunctionName, Payload }: { FunctionName: string; Payload?: Uint8Array }) => {
        const payload: unknown = Payload === undefined ? undefined : JSON.parse(new TextDecoder().decode(Payload));
        const result = await answers[FunctionName.split(':').at(-1)!]!(payload);
        const failed = typeof result === 'object' && result !== null && 'errorType' in result;
        return {
          StatusCode: 200,
          ExecutedVersion: '$LATEST',
          Payload: bytes(result),
          ...(failed ? { FunctionError: 'Unhandled' } : {}),
        };
      },
    },
    (_, { FunctionName }: { FunctionName: string }) => ({
      action: 'lambda:InvokeFunction',
      resource: FunctionName.startsWith('arn:') ? FunctionName : functionArn(FunctionName),
    }),
  );
}

function build(answers: Parameters<typeof functions>[0] = {}, policy: PolicyDocument = allows('*'), further: Record<string, Double> = {}) {
  const clock = new VirtualClock(start);
  const lambda = functions(answers);
  const world = new World(clock, {
    states: (site) => new States(site),
    events: (site) => new Events(site),
    dynamodb: (site) => new DynamoDb(site),
    sts: (site) => new Sts(site),
    lambda: () => lambda,
    ...Object.fromEntries(Object.entries(further).map(([name, double]) => [name, () => double])),
  });
  const iam = identities(world, account);
  const role = iam.createRole({ name: 'machine', trust: trusts('states.amazonaws.com') });
  role.inline.set('all', policy);
  const admin = iam.user('admin', { all: allows('*') });
  const client = new SFNClient(clientConfig(world, { region, credentials: admin }));
  const site = world.site(account, region);
  const states = site.service('states');
  const create = (states: object, more: object = {}, name = 'm', type: 'STANDARD' | 'EXPRESS' = 'STANDARD') =>
    client.send(
      new CreateStateMachineCommand({
        name,
        type,
        roleArn: role.arn,
        definition: JSON.stringify({ QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0], States: states, ...more }),
      }),
    );
  const begin = async (input: unknown = {}, name?: string, machine = 'm') =>
    (await client.send(new StartExecutionCommand({ stateMachineArn: arnOf(machine), input: JSON.stringify(input), name }))).executionArn!;
  const describe = (executionArn: string) => client.send(new DescribeExecutionCommand({ executionArn }));
  /** Starts, runs to the end and describes. */
  const execute = async (input: unknown = {}, machine = 'm') => {
    const executionArn = await begin(input, undefined, machine);
    await clock.run();
    const { status, output, error, cause } = await describe(executionArn);
    return { status, output: output === undefined ? undefined : JSON.parse(output), error, cause };
  };
  const pass = (seconds: number) => clock.run({ until: clock.now() + seconds * 1000 });
  return { clock, world, iam, role, client, site, states, lambda, create, begin, describe, execute, pass };
}

/** As DefinitionSubstitutions fill it. */
const placeholder = (name: string) => `\${${name}}`;

/** The error's name and message. */
const refused = async (call: Promise<unknown>) => {
  try {
    await call;
    return 'not refused';
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
};

const wait = { Type: 'Wait', Seconds: 100, End: true };
const invoke = (more: object = {}) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: 'work', Payload: '{% $states.input %}' },
  Output: '{% $states.result.Payload %}',
  End: true,
  ...more,
});

describe('starting an execution', () => {
  it('gives the same one for the same name and input while it runs, and refuses everything else', async () => {
    const { create, begin, clock, client, describe: look } = build();
    await create({ A: wait });
    const first = await begin({ a: 1 }, 'release-1');
    expect(first).toBe(`arn:aws:states:${region}:${account}:execution:m:release-1`);
    expect(await begin({ a: 1 }, 'release-1')).toBe(first);
    expect(await refused(begin({ a: 2 }, 'release-1'))).toBe(`ExecutionAlreadyExists: Execution Already Exists: '${first}'`);
    await clock.run();
    expect(await look(first)).toMatchObject({
      status: 'SUCCEEDED',
      startDate: new Date(start),
      stopDate: new Date(start + 100_000),
      input: '{"a":1}',
      output: '{"a":1}',
      redriveStatus: 'NOT_REDRIVABLE',
    });
    expect(await refused(begin({ a: 1 }, 'release-1'))).toContain('ExecutionAlreadyExists');
    await clock.run({ until: start + 91 * 86_400_000 });
    expect(await refused(look(first))).toBe(`ExecutionDoesNotExist: Execution Does Not Exist: '${first}'`);
    expect(await begin({ a: 3 }, 'release-1')).toBe(first);
    expect((await client.send(new ListExecutionsCommand({ stateMachineArn: arnOf('m') }))).executions).toHaveLength(1);
  });

  it('refuses names, inputs and machines that are not', async () => {
    const { create, begin, client } = build();
    await create({ A: wait });
    expect(await refused(begin({}, 'a b'))).toBe("InvalidName: Invalid Name: 'a b'");
    expect(await refused(begin({}, 'x'.repeat(81)))).toContain('Member must have length less than or equal to 80');
    expect(await refused(begin({}, undefined, 'other'))).toBe(
      `StateMachineDoesNotExist: State Machine Does Not Exist: '${arnOf('other')}'`,
    );
    expect(await refused(client.send(new StartExecutionCommand({ stateMachineArn: arnOf('m'), input: '{' })))).toContain(
      'InvalidExecutionInput',
    );
    expect(await refused(begin('x'.repeat(262_144)))).toContain('Member must have length less than or equal to 262144');
  });

  it('counts a transition for every state entered and every retry', async () => {
    let calls = 0;
    const { create, execute, world } = build({ work: () => (++calls < 3 ? { errorType: 'Busy' } : 'done') });
    await create({ A: { Type: 'Pass', Next: 'B' }, B: invoke({ Retry: [{ ErrorEquals: ['Busy'] }] }) });
    expect(await execute()).toMatchObject({ status: 'SUCCEEDED', output: 'done' });
    expect(world.meter.total('states.transition', { machine: 'm' })).toBe(4);
    expect(world.meter.total('states.execution')).toBe(1);
  });
});

describe('a state machine', () => {
  it('is refused if AWS would refuse it, with AWS’s words', async () => {
    const { create } = build();
    expect(await refused(create({ A: { Type: 'Pass', Next: 'B' } }))).toBe(
      "InvalidDefinition: Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next'",
    );
  });

  it('needs a role that Step Functions may take, and rights for the rules behind .sync', async () => {
    const { create, client, iam } = build({}, allows('states:*'));
    const child = {
      Type: 'Task',
      Resource: 'arn:aws:states:::states:startExecution.sync:2',
      Arguments: { StateMachineArn: arnOf('m') },
      End: true,
    };
    expect(await refused(create({ A: child }))).toContain(
      `AccessDeniedException: 'arn:aws:iam::${account}:role/machine' is not authorized to create managed-rule.`,
    );
    const other = iam.createRole({ name: 'other', trust: trusts('lambda.amazonaws.com') });
    const definition = JSON.stringify({ StartAt: 'A', States: { A: { Type: 'Succeed' } } });
    expect(await refused(client.send(new CreateStateMachineCommand({ name: 'x', roleArn: other.arn, definition })))).toContain(
      'Neither the global service principal states.amazonaws.com',
    );
  });

  it('can be created twice alike, and not otherwise', async () => {
    const { create } = build();
    const first = await create({ A: wait });
    expect((await create({ A: wait })).stateMachineArn).toBe(first.stateMachineArn);
    expect(await refused(create({ B: wait }))).toContain('StateMachineAlreadyExists');
  });

  it('changes under the feet of nobody: what runs keeps the definition it was started with', async () => {
    const { create, begin, clock, client, describe: look, execute } = build();
    await create({ A: { Type: 'Wait', Seconds: 10, Next: 'B' }, B: { Type: 'Pass', Output: 'old', End: true } });
    const running = await begin();
    const definition = JSON.stringify({
      QueryLanguage: 'JSONata',
      StartAt: 'B',
      States: { B: { Type: 'Pass', Output: 'new', End: true } },
    });
    await client.send(new UpdateStateMachineCommand({ stateMachineArn: arnOf('m'), definition }));
    expect(await execute()).toMatchObject({ output: 'new' });
    await clock.run();
    expect((await look(running)).output).toBe('"old"');
    expect((await client.send(new DescribeStateMachineCommand({ stateMachineArn: arnOf('m') }))).definition).toBe(definition);
  });

  it('runs its versions by their own ARNs', async () => {
    const { create, client, clock, describe: look } = build();
    await create({ A: { Type: 'Pass', Output: 1, End: true } });
    const { stateMachineVersionArn } = await client.send(new PublishStateMachineVersionCommand({ stateMachineArn: arnOf('m') }));
    const definition = JSON.stringify({ QueryLanguage: 'JSONata', StartAt: 'A', States: { A: { Type: 'Pass', Output: 2, End: true } } });
    await client.send(new UpdateStateMachineCommand({ stateMachineArn: arnOf('m'), definition }));
    const { executionArn } = await client.send(new StartExecutionCommand({ stateMachineArn: stateMachineVersionArn }));
    await clock.run();
    expect(await look(executionArn!)).toMatchObject({ output: '1', stateMachineVersionArn: `${arnOf('m')}:1` });
  });

  it('is reached through an alias, which keeps its version from being deleted', async () => {
    const { create, client, begin, clock } = build();
    await create({ A: { Type: 'Succeed' } });
    const { stateMachineVersionArn } = await client.send(new PublishStateMachineVersionCommand({ stateMachineArn: arnOf('m') }));
    const routingConfiguration = [{ stateMachineVersionArn: stateMachineVersionArn!, weight: 100 }];
    await client.send(new CreateStateMachineAliasCommand({ name: 'live', routingConfiguration }));
    const executionArn = await begin({}, 'e', 'm:live');
    await clock.run();
    const { stateMachineVersionArn: version, stateMachineAliasArn } = await client.send(new DescribeExecutionCommand({ executionArn }));
    expect([version, stateMachineAliasArn]).toEqual([`${arnOf('m')}:1`, `${arnOf('m')}:live`]);
    expect(await refused(client.send(new DeleteStateMachineVersionCommand({ stateMachineVersionArn: version })))).toContain(
      'ConflictException',
    );
  });

  it('takes its executions with it when it is deleted', async () => {
    const { create, begin, pass, client, states } = build();
    await create({ A: { Type: 'Wait', Seconds: 10, Next: 'B' }, B: wait });
    await begin();
    await pass(1);
    await client.send(new DeleteStateMachineCommand({ stateMachineArn: arnOf('m') }));
    expect((await client.send(new DescribeStateMachineCommand({ stateMachineArn: arnOf('m') }))).status).toBe('DELETING');
    expect(await refused(begin())).toContain('StateMachineDeleting');
    await pass(10);
    expect(states.view()).toEqual([]);
    expect(await refused(begin())).toContain('StateMachineDoesNotExist');
  });
});

describe('looking at executions', () => {
  it('lists them newest first, by their end if they have ended, by status and in pages', async () => {
    const { create, begin, pass, client } = build();
    await create({ A: { Type: 'Wait', Seconds: '{% $states.input.s %}', End: true } });
    for (const [name, s] of Object.entries({ a: 1, b: 100, c: 1, d: 100 })) await begin({ s }, name);
    await pass(5);
    const list = async (more: object) => client.send(new ListExecutionsCommand({ stateMachineArn: arnOf('m'), ...more }));
    expect((await list({ statusFilter: 'RUNNING' })).executions!.map(({ name }) => name)).toEqual(['d', 'b']);
    const first = await list({ maxResults: 3 });
    const second = await list({ maxResults: 3, nextToken: first.nextToken });
    expect([first, second].map(({ executions }) => executions!.map(({ name }) => name))).toEqual([['c', 'a', 'd'], ['b']]);
    expect(second.nextToken).toBeUndefined();
  });

  it('gives the history in pages, either way round, with or without data', async () => {
    const { create, begin, clock, client } = build();
    await create({ A: { Type: 'Pass', End: true } });
    const executionArn = await begin({ secret: 1 });
    await clock.run();
    const history = (more: object) => client.send(new GetExecutionHistoryCommand({ executionArn, ...more }));
    const first = await history({ maxResults: 3 });
    expect(first.events!.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect((await history({ nextToken: first.nextToken })).events!.map(({ type }) => type)).toEqual(['ExecutionSucceeded']);
    expect((await history({ reverseOrder: true })).events![0]!.executionSucceededEventDetails!.output).toBe('{"secret":1}');
    expect(JSON.stringify((await history({ includeExecutionData: false })).events)).not.toContain('secret');
  });

  it('shows states and tokens to tests', async () => {
    const { create, begin, pass, states } = build({ work: () => null });
    await create({
      A: invoke({
        Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
        Arguments: { FunctionName: 'work', Payload: ['{% $states.context.Task.Token %}'] },
      }),
    });
    await begin({ a: 1 }, 'e');
    await pass(1);
    expect(states.view()).toMatchObject([
      { name: 'e', machine: 'm', status: 'RUNNING', states: ['A'], tokens: [{ state: 'A' }], input: { a: 1 } },
    ]);
  });
});

describe('task tokens', () => {
  const asking = async (more: object = {}) => {
    const built = build({ work: () => null });
    await built.create({
      A: invoke({
        Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
        Arguments: { FunctionName: 'work', Payload: { token: '{% $states.context.Task.Token %}' } },
        Output: '{% $states.result %}',
        ...more,
      }),
    });
    const executionArn = await built.begin();
    await built.pass(1);
    const { token } = JSON.parse(new TextDecoder().decode(built.lambda.calls[0]!.input.Payload));
    const send = (command: unknown) => refused(built.client.send(command as never));
    return { ...built, executionArn, token: token as string, send };
  };

  it('bring the answer, once', async () => {
    const { token, send, clock, describe: look, executionArn, client } = await asking();
    expect(await send(new SendTaskSuccessCommand({ taskToken: token, output: '{' }))).toContain('InvalidOutput');
    await client.send(new SendTaskSuccessCommand({ taskToken: token, output: '{"approved":true}' }));
    await clock.run();
    expect(await look(executionArn)).toMatchObject({ status: 'SUCCEEDED', output: '{"approved":true}' });
    for (const command of [
      new SendTaskSuccessCommand({ taskToken: token, output: '1' }),
      new SendTaskFailureCommand({ taskToken: token }),
      new SendTaskHeartbeatCommand({ taskToken: token }),
    ])
      expect(await send(command)).toBe("TaskTimedOut: Task Timed Out: 'Provided task does not exist anymore'");
    expect(await send(new SendTaskSuccessCommand({ taskToken: 'made-up', output: '1' }))).toBe(
      "InvalidToken: Invalid Token: 'Invalid token'",
    );
  });

  it('bring a failure, which a Catch may take by name', async () => {
    const { token, client, clock, describe: look, executionArn } = await asking();
    await client.send(new SendTaskFailureCommand({ taskToken: token, error: 'Rejected', cause: 'not today' }));
    await clock.run();
    expect(await look(executionArn)).toMatchObject({ status: 'FAILED', error: 'Rejected', cause: 'not today' });
  });

  it('die with a timeout and with the execution', async () => {
    const timed = await asking({ TimeoutSeconds: 60 });
    await timed.pass(60);
    expect(await timed.describe(timed.executionArn)).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    expect(await timed.send(new SendTaskSuccessCommand({ taskToken: timed.token, output: '1' }))).toContain('TaskTimedOut');
    const stopped = await asking();
    await stopped.client.send(new StopExecutionCommand({ executionArn: stopped.executionArn, error: 'Operator', cause: 'enough' }));
    expect(await stopped.describe(stopped.executionArn)).toMatchObject({ status: 'ABORTED', error: 'Operator', cause: 'enough' });
    expect(await stopped.send(new SendTaskSuccessCommand({ taskToken: stopped.token, output: '1' }))).toContain('TaskTimedOut');
  });
});

describe('calls in the role of the execution', () => {
  it('are those of the role’s session, and denied without a statement', async () => {
    const allowed = build({ work: (payload) => ({ got: payload }) }, allows('lambda:InvokeFunction', functionArn('work')));
    await allowed.create({ A: invoke() });
    expect(await allowed.execute({ a: 1 })).toMatchObject({ output: { got: { a: 1 } } });
    expect(allowed.lambda.calls[0]!.principal).toMatchObject({ kind: 'role', roleArn: `arn:aws:iam::${account}:role/machine` });
    const denied = build({ work: () => 1 }, allows('lambda:InvokeFunction', functionArn('other')));
    await denied.create({ A: invoke() });
    const end = await denied.execute();
    expect(end).toMatchObject({ status: 'FAILED', error: 'Lambda.AWSLambdaException' });
    expect(end.cause).toContain('is not authorized to perform: lambda:InvokeFunction');
    expect(denials(denied.world)).toHaveLength(1);
  });

  it('name a function’s own error, Lambda’s errors, and what has no type', async () => {
    let answer: () => unknown = () => undefined;
    const { create, execute } = build({ work: () => answer() });
    await create({ A: invoke() });
    answer = () => ({ errorType: 'EnvironmentBusyError', errorMessage: 'live is busy' });
    expect(await execute()).toMatchObject({
      error: 'EnvironmentBusyError',
      cause: '{"errorType":"EnvironmentBusyError","errorMessage":"live is busy"}',
    });
    answer = () => {
      throw new ServiceError('TooManyRequestsException', 'Rate exceeded', 429);
    };
    expect(await execute()).toMatchObject({ error: 'Lambda.TooManyRequestsException' });
    answer = () => ({ errorType: '' });
    expect(await execute()).toMatchObject({ error: 'Lambda.Unknown' });
  });

  it('speak to any service by the names of the SDK', async () => {
    const { create, execute, site, iam, pass } = build();
    const admin = iam.userPrincipal('admin');
    await site.call(admin, 'dynamodb', 'CreateTable', {
      TableName: 'ledger',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    });
    await pass(60);
    const put = { TableName: 'ledger', Item: { pk: { S: '{% $states.input.id %}' } }, ConditionExpression: 'attribute_not_exists(pk)' };
    const next = { Next: 'B' };
    const task = (Resource: string, Arguments: object, more: object) => ({ Type: 'Task', Resource, Arguments, ...more });
    await create({
      A: task('arn:aws:states:::dynamodb:putItem', put, { ...next, Output: '{% $states.input %}' }),
      B: task(
        'arn:aws:states:::aws-sdk:dynamodb:getItem',
        { TableName: 'ledger', Key: { pk: { S: 'a' } } },
        { End: true, Output: '{% $states.result.Item %}' },
      ),
    });
    expect(await execute({ id: 'a' })).toMatchObject({ status: 'SUCCEEDED', output: { pk: { S: 'a' } } });
    expect(await execute({ id: 'a' })).toMatchObject({ error: 'DynamoDB.ConditionalCheckFailedException' });
    await create({ A: task('arn:aws:states:::aws-sdk:dynamodb:putItem', put, { End: true }) }, {}, 'sdk');
    expect(await execute({ id: 'a' }, 'sdk')).toMatchObject({ error: 'DynamoDb.ConditionalCheckFailedException' });
    await create(
      {
        A: task(
          'arn:aws:states:::aws-sdk:sfn:describeStateMachine',
          { StateMachineArn: arnOf('m') },
          { End: true, Output: '{% $states.result %}' },
        ),
      },
      {},
      'self',
    );
    expect(await execute({}, 'self')).toMatchObject({
      output: { Name: 'm', CreationDate: '2026-11-02T09:01:00.000Z', LoggingConfiguration: { Level: 'OFF' } },
    });
  });

  it('can be made in another role, which must be assumed', async () => {
    const { create, execute, iam, role, lambda } = build({ work: () => 1 }, allows('sts:AssumeRole'));
    const other = iam.createRole({
      name: 'other',
      trust: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: role.arn }, Action: 'sts:AssumeRole' }] },
    });
    other.inline.set('all', allows('lambda:InvokeFunction'));
    await create({ A: invoke({ Credentials: { RoleArn: '{% $states.input.role %}' } }) });
    expect(await execute({ role: other.arn })).toMatchObject({ output: 1 });
    expect(lambda.calls[0]!.principal.roleArn).toBe(other.arn);
    expect(await execute({ role: role.arn })).toMatchObject({ error: 'States.Permissions' });
  });
});

describe('a nested execution', () => {
  const nested = async (child: object, pattern = '.sync:2', more: object = {}) => {
    const built = build();
    await built.create({ A: child }, {}, 'child');
    await built.create({
      A: {
        Type: 'Task',
        Resource: `arn:aws:states:::states:startExecution${pattern}`,
        Arguments: { StateMachineArn: arnOf('child'), Name: 'c', Input: { n: '{% $states.input.n %}' } },
        Output: '{% $states.result %}',
        End: true,
        ...more,
      },
    });
    return built;
  };

  it('is waited for, and gives its output parsed with .sync:2 and as text with .sync', async () => {
    const parsed = await nested({ Type: 'Wait', Seconds: 30, End: true });
    expect(await parsed.execute({ n: 1 })).toMatchObject({ output: { Status: 'SUCCEEDED', Name: 'c', Input: { n: 1 }, Output: { n: 1 } } });
    expect(parsed.states.view().map(({ endedAt }) => endedAt)).toEqual([start + 30_000, start + 30_000]);
    const text = await nested({ Type: 'Succeed' }, '.sync');
    expect(await text.execute({ n: 1 })).toMatchObject({ output: { Output: '{"n":1}' } });
    // One of each is the test's own.
    expect(text.world.meter.calls()).toMatchObject({ 'states:StartExecution': 2, 'states:DescribeExecution': 2 });
  });

  it('that is only started gives its ARN', async () => {
    const started = await nested({ Type: 'Succeed' }, '');
    expect(await started.execute({ n: 1 })).toMatchObject({
      output: { ExecutionArn: `arn:aws:states:${region}:${account}:execution:child:c`, StartDate: '2026-11-02T09:00:00.000Z' },
    });
  });

  it('fails its parent with what DescribeExecution says', async () => {
    const { execute } = await nested({ Type: 'Fail', Error: 'Red', Cause: 'it broke' });
    const { error, cause } = await execute({ n: 1 });
    expect(error).toBe('States.TaskFailed');
    expect(JSON.parse(cause!)).toMatchObject({ Status: 'FAILED', Error: 'Red', Cause: 'it broke', Input: '{"n":1}', Name: 'c' });
  });

  it('that exists already is an error with its own name', async () => {
    const { execute } = await nested({ Type: 'Succeed' });
    await execute({ n: 1 });
    expect(await execute({ n: 1 })).toMatchObject({ error: 'StepFunctions.ExecutionAlreadyExistsException' });
  });

  it('is stopped with its parent, and when the parent’s state times out', async () => {
    const { begin, pass, client, states } = await nested(wait);
    const executionArn = await begin({ n: 1 });
    await pass(1);
    await client.send(new StopExecutionCommand({ executionArn }));
    await pass(1);
    expect(states.view().map(({ status }) => status)).toEqual(['ABORTED', 'ABORTED']);
    const timed = await nested(wait, '.sync:2', { TimeoutSeconds: 10 });
    expect(await timed.execute({ n: 1 })).toMatchObject({ error: 'States.Timeout' });
    expect(timed.states.view().map(({ status }) => status)).toEqual(['FAILED', 'ABORTED']);
  });
});

describe('a build', () => {
  it('is waited for, fails its state when it fails, and is stopped with it', async () => {
    let status = 'IN_PROGRESS';
    const codebuild = new Double(
      {
        StartBuild: () => ({ build: { id: 'checks:1', buildStatus: 'IN_PROGRESS' } }),
        BatchGetBuilds: () => ({ builds: [{ id: 'checks:1', buildStatus: status }] }),
        StopBuild: () => ({ build: { id: 'checks:1', buildStatus: 'STOPPED' } }),
      },
      (operation) => ({ action: `codebuild:${operation}`, resource: `arn:aws:codebuild:${region}:${account}:project/checks` }),
    );
    const { create, begin, describe: look, pass, client } = build({}, allows('*'), { codebuild });
    await create({
      A: {
        Type: 'Task',
        Resource: 'arn:aws:states:::codebuild:startBuild.sync',
        Arguments: { ProjectName: 'checks' },
        Output: '{% $states.result.Build.BuildStatus %}',
        End: true,
      },
    });
    const run = async (end: string) => {
      status = 'IN_PROGRESS';
      const executionArn = await begin();
      await pass(300);
      status = end;
      await pass(60);
      return look(executionArn);
    };
    expect(await run('SUCCEEDED')).toMatchObject({ status: 'SUCCEEDED', output: '"SUCCEEDED"' });
    const failed = await run('FAILED');
    expect(failed).toMatchObject({ status: 'FAILED', error: 'States.TaskFailed' });
    expect(JSON.parse(failed.cause!)).toEqual({ Build: { Id: 'checks:1', BuildStatus: 'FAILED' } });
    status = 'IN_PROGRESS';
    const executionArn = await begin();
    await pass(10);
    await client.send(new StopExecutionCommand({ executionArn }));
    await pass(1);
    expect(codebuild.calls.at(-1)).toMatchObject({ operation: 'StopBuild', input: { id: 'checks:1' } });
  });
});

describe('the events of an execution', () => {
  it('tell of its start and of its end on the default bus', async () => {
    const { create, begin, clock, site } = build();
    const events = site.service('events');
    const seen: unknown[] = [];
    const publish = events.publish.bind(events);
    events.publish = (event) => {
      seen.push(event);
      publish(event);
    };
    await create({ A: { Type: 'Fail', Error: 'Red', Cause: 'why' } });
    const executionArn = await begin({ a: 1 }, 'e');
    await clock.run();
    const common = {
      executionArn,
      stateMachineArn: arnOf('m'),
      name: 'e',
      startDate: start,
      input: '{"a":1}',
      inputDetails: { included: true },
      output: null,
    };
    expect(seen).toMatchObject([
      {
        source: 'aws.states',
        'detail-type': 'Step Functions Execution Status Change',
        resources: [executionArn],
        detail: { ...common, status: 'RUNNING', stopDate: null },
      },
      { detail: { ...common, status: 'FAILED', stopDate: start, error: 'Red', cause: 'why' } },
    ]);
  });
});

describe('asking about definitions', () => {
  it('says what is wrong with one', async () => {
    const { client } = build();
    const validate = (definition: object, severity?: 'ERROR' | 'WARNING') =>
      client.send(new ValidateStateMachineDefinitionCommand({ definition: JSON.stringify(definition), severity }));
    expect(await validate({ StartAt: 'A', States: { A: { Type: 'Succeed' } } })).toMatchObject({ result: 'OK', diagnostics: [] });
    expect(await validate({ States: {} })).toMatchObject({
      result: 'FAIL',
      diagnostics: [
        { severity: 'ERROR', code: 'SCHEMA_VALIDATION_FAILED', location: '/', message: 'These fields are required: [StartAt]' },
      ],
    });
  });

  it('tests one state, with its call made in a role', async () => {
    const { client, role } = build({ work: (payload) => payload });
    const { $metadata: _, ...answer } = await client.send(
      new TestStateCommand({
        definition: JSON.stringify({ QueryLanguage: 'JSONata', ...invoke({ End: false, Next: 'B' }) }),
        input: '{"a":1}',
        roleArn: role.arn,
        inspectionLevel: 'DEBUG',
      }),
    );
    expect(answer).toMatchObject({
      status: 'SUCCEEDED',
      output: '{"a":1}',
      nextState: 'B',
      inspectionData: { afterArguments: '{"FunctionName":"work","Payload":{"a":1}}' },
    });
  });
});

describe('CloudFormation', () => {
  it('makes, changes and removes a machine from a file with substitutions', async () => {
    const { site, states, role, execute } = build({ work: () => 'called' });
    const folder = mkdtempSync(join(tmpdir(), 'states-'));
    const write = (output: string) =>
      writeFileSync(
        join(folder, 'm.asl.json'),
        JSON.stringify({
          QueryLanguage: 'JSONata',
          StartAt: 'A',
          States: { A: invoke({ Resource: placeholder('Function'), Arguments: undefined, Output: output }) },
        }),
      );
    const context: ResourceContext = {
      site,
      stackName: 's',
      logicalId: 'Machine',
      generatedName: 's-Machine-1',
      asset: (bucket, key) => join(folder, `${bucket === 'assets' ? key : 'missing'}`),
    };
    const type = states.resources['AWS::StepFunctions::StateMachine']!;
    const properties = {
      StateMachineName: 'm',
      RoleArn: role.arn,
      DefinitionS3Location: { Bucket: 'assets', Key: 'm.asl.json' },
      DefinitionSubstitutions: { Function: functionArn('work') },
      Tags: [{ Key: 'team', Value: 'orders' }],
    };
    write('{% $states.result %}');
    const created = await type.create(properties, context);
    expect(created).toMatchObject({ ref: arnOf('m'), attributes: { Arn: arnOf('m'), Name: 'm' } });
    expect(await execute()).toMatchObject({ output: 'called' });
    write("{% 'changed' %}");
    await type.update!(properties, created, context);
    expect(await execute()).toMatchObject({ output: 'changed' });
    await type.delete!(created, context);
    expect(states.machines.size).toBe(0);
  });
});
