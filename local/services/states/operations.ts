/** The API operations of Step Functions, in the shapes of its SDK client. */
import type * as Api from '@aws-sdk/client-sfn';
import { Data, type Json, PAYLOAD_LIMIT } from '../../asl/data.ts';
import { lintDefinition } from '../../asl/lint.ts';
import type { WaitingTask } from '../../asl/tokens.ts';
import { passRole } from '../../core/iam/authorize.ts';
import { type Operation, type Permission, ServiceError } from '../../core/service.ts';
import { redrive, type Started, type StatesAccount } from './account.ts';
import { onMachine, operation, page } from './call.ts';
import type { MachineType } from './machine.ts';
import { testState } from './test-state.ts';
import { versionOperations } from './versions.ts';

const INCLUDED = { included: true };

const tagsOf = (list: readonly Api.Tag[] | undefined): Record<string, string> =>
  Object.fromEntries((list ?? []).map(({ key = '', value = '' }) => [key, value]));

/** All operations. */
export function statesOperations(states: StatesAccount): Readonly<Record<string, Operation>> {
  const { site } = states;
  const now = () => new Date(site.world.clock.now());
  const onExecution =
    (action: string) =>
    ({ executionArn }: { readonly executionArn?: string | undefined }): Permission[] => [
      { action: `states:${action}`, resource: executionArn ?? '*' },
    ];
  const anywhere = (action: string) => (): Permission[] => [{ action: `states:${action}`, resource: '*' }];

  /** @throws ServiceError TaskTimedOut, InvalidToken */
  const waiting = (token: string | undefined): WaitingTask => {
    const found = states.tokens.find(token ?? '');
    if (found === 'closed') throw new ServiceError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
    if (found === 'invalid') throw new ServiceError('InvalidToken', "Invalid Token: 'Invalid token'");
    return found;
  };
  const machineOf = (arn: string | undefined) => states.machine(arn ?? '');
  const describeExecution = ({ execution, machine, versionArn, aliasArn }: Started): Api.DescribeExecutionOutput => ({
    executionArn: execution.arn,
    stateMachineArn: machine.arn,
    name: execution.name,
    status: execution.status,
    startDate: new Date(execution.startedAt),
    ...(execution.endedAt === undefined ? {} : { stopDate: new Date(execution.endedAt) }),
    input: execution.input.text,
    inputDetails: INCLUDED,
    ...(execution.end?.output === undefined ? {} : { output: execution.end.output.text, outputDetails: INCLUDED }),
    ...(execution.end?.error === undefined ? {} : { error: execution.end.error }),
    ...(execution.end?.cause === undefined ? {} : { cause: execution.end.cause }),
    ...(versionArn === undefined ? {} : { stateMachineVersionArn: versionArn }),
    ...(aliasArn === undefined ? {} : { stateMachineAliasArn: aliasArn }),
    redriveCount: 0,
    ...withReason(redrive(execution.status)),
  });

  return {
    CreateStateMachine: operation<Api.CreateStateMachineInput, Api.CreateStateMachineOutput>(
      ({ name, roleArn }) => [
        { action: 'states:CreateStateMachine', resource: site.arn('states', `stateMachine:${name}`) },
        passRole(roleArn ?? '', 'states.amazonaws.com'),
      ],
      (input) => {
        const machine = states.create({
          name: input.name ?? '',
          type: (input.type ?? 'STANDARD') as MachineType,
          definition: input.definition ?? '',
          roleArn: input.roleArn ?? '',
          tags: tagsOf(input.tags),
          logging: input.loggingConfiguration,
          tracing: input.tracingConfiguration,
        });
        const version = input.publish ? { stateMachineVersionArn: `${machine.arn}:${machine.publish(input.versionDescription)}` } : {};
        return { stateMachineArn: machine.arn, creationDate: new Date(machine.created), ...version };
      },
    ),

    UpdateStateMachine: operation<Api.UpdateStateMachineInput, Api.UpdateStateMachineOutput>(
      (input) => [
        ...onMachine<Api.UpdateStateMachineInput>('UpdateStateMachine', (one) => one.stateMachineArn)(input),
        ...(input.roleArn === undefined ? [] : [passRole(input.roleArn, 'states.amazonaws.com')]),
      ],
      ({ stateMachineArn, definition, roleArn, loggingConfiguration, tracingConfiguration, publish, versionDescription }) => {
        const machine = machineOf(stateMachineArn);
        if (machine.deleting) throw new ServiceError('StateMachineDeleting', `State Machine Deleting: '${machine.arn}'`);
        if (definition === undefined && roleArn === undefined && loggingConfiguration === undefined && tracingConfiguration === undefined)
          throw new ServiceError(
            'MissingRequiredParameter',
            'Either the definition, the role ARN, the LoggingConfiguration, the EncryptionConfiguration or the TracingConfiguration must be specified',
          );
        if (definition !== undefined || roleArn !== undefined) states.update(machine, { definition, roleArn });
        machine.logging = loggingConfiguration ?? machine.logging;
        machine.tracing = tracingConfiguration ?? machine.tracing;
        const version = publish ? { stateMachineVersionArn: `${machine.arn}:${machine.publish(versionDescription)}` } : {};
        return { updateDate: now(), revisionId: machine.revision.revisionId, ...version };
      },
    ),

    DeleteStateMachine: operation<Api.DeleteStateMachineInput, Api.DeleteStateMachineOutput>(
      onMachine('DeleteStateMachine', (input) => input.stateMachineArn),
      ({ stateMachineArn = '' }) => {
        const machine = states.machines.get(stateMachineArn);
        // Deleting what is not there succeeds.
        if (machine !== undefined) states.delete(machine);
        return {};
      },
    ),

    DescribeStateMachine: operation<Api.DescribeStateMachineInput, Api.DescribeStateMachineOutput>(
      onMachine('DescribeStateMachine', (input) => input.stateMachineArn),
      ({ stateMachineArn = '' }) => {
        const { machine, revision, version } = states.find(stateMachineArn);
        return {
          stateMachineArn: version === undefined ? machine.arn : `${machine.arn}:${version}`,
          name: machine.name,
          status: machine.deleting ? 'DELETING' : 'ACTIVE',
          definition: revision.definition,
          roleArn: revision.roleArn,
          type: machine.type,
          creationDate: new Date(version === undefined ? machine.created : revision.made),
          loggingConfiguration: machine.logging ?? { level: 'OFF', includeExecutionData: false },
          tracingConfiguration: machine.tracing ?? { enabled: false },
          revisionId: revision.revisionId,
          ...(revision.description === undefined ? {} : { description: revision.description }),
          encryptionConfiguration: { type: 'AWS_OWNED_KEY' },
        };
      },
    ),

    DescribeStateMachineForExecution: operation<Api.DescribeStateMachineForExecutionInput, Api.DescribeStateMachineForExecutionOutput>(
      onExecution('DescribeStateMachineForExecution'),
      ({ executionArn = '' }) => {
        const { machine, revision } = states.execution(executionArn);
        return {
          stateMachineArn: machine.arn,
          name: machine.name,
          definition: revision.definition,
          roleArn: revision.roleArn,
          updateDate: new Date(revision.made),
          revisionId: revision.revisionId,
          loggingConfiguration: machine.logging ?? { level: 'OFF', includeExecutionData: false },
          tracingConfiguration: machine.tracing ?? { enabled: false },
        };
      },
    ),

    ListStateMachines: operation<Api.ListStateMachinesInput, Api.ListStateMachinesOutput>(
      anywhere('ListStateMachines'),
      ({ nextToken, maxResults }) => {
        const all = [...states.machines.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
        const { items, next } = page(all, nextToken, maxResults);
        return {
          stateMachines: items.map(({ arn, name, type, created }) => ({
            stateMachineArn: arn,
            name,
            type,
            creationDate: new Date(created),
          })),
          ...next,
        };
      },
    ),

    StartExecution: operation<Api.StartExecutionInput, Api.StartExecutionOutput>(
      onMachine('StartExecution', (input) => input.stateMachineArn),
      ({ stateMachineArn = '', name, input = '{}' }) => {
        const { execution } = states.start(states.find(stateMachineArn), input, name);
        return { executionArn: execution.arn, startDate: new Date(execution.startedAt) };
      },
    ),

    StartSyncExecution: operation<Api.StartSyncExecutionInput, Promise<Api.StartSyncExecutionOutput>>(
      onMachine('StartSyncExecution', (input) => input.stateMachineArn),
      async ({ stateMachineArn = '', name, input = '{}' }) => {
        const found = states.find(stateMachineArn);
        if (found.machine.type !== 'EXPRESS')
          throw new ServiceError('StateMachineTypeNotSupported', 'This operation is not supported by this type of state machine');
        const { execution } = states.start(found, input, name);
        const end = await execution.ended;
        return {
          executionArn: execution.arn,
          stateMachineArn: found.machine.arn,
          name: execution.name,
          startDate: new Date(execution.startedAt),
          stopDate: now(),
          status: end.status === 'ABORTED' ? 'FAILED' : end.status,
          input: execution.input.text,
          inputDetails: INCLUDED,
          ...(end.output === undefined ? {} : { output: end.output.text, outputDetails: INCLUDED }),
          ...(end.error === undefined ? {} : { error: end.error }),
          ...(end.cause === undefined ? {} : { cause: end.cause }),
          billingDetails: {
            billedMemoryUsedInMB: 64,
            billedDurationInMilliseconds: Math.ceil((now().getTime() - execution.startedAt) / 100) * 100,
          },
        };
      },
    ),

    StopExecution: operation<Api.StopExecutionInput, Api.StopExecutionOutput>(
      onExecution('StopExecution'),
      ({ executionArn = '', error, cause }) => {
        const { execution } = states.execution(executionArn);
        execution.stop(error, cause);
        return { stopDate: new Date(execution.endedAt!) };
      },
    ),

    DescribeExecution: operation<Api.DescribeExecutionInput, Api.DescribeExecutionOutput>(
      onExecution('DescribeExecution'),
      ({ executionArn = '' }) => describeExecution(states.execution(executionArn)),
    ),

    ListExecutions: operation<Api.ListExecutionsInput, Api.ListExecutionsOutput>(
      onMachine('ListExecutions', (input) => input.stateMachineArn),
      ({ stateMachineArn = '', statusFilter, nextToken, maxResults }) => {
        const { machine, version } = states.find(stateMachineArn);
        const versionArn = version === undefined ? undefined : `${machine.arn}:${version}`;
        const all = [...states.executions.values()]
          .filter((one) => one.machine === machine && (versionArn === undefined || one.versionArn === versionArn))
          .filter(({ execution }) => statusFilter === undefined || execution.status === statusFilter)
          // The most recent first.
          .reverse();
        const { items, next } = page(all, nextToken, maxResults);
        return {
          executions: items.map((one) => {
            const { executionArn, name, status, startDate, stopDate, stateMachineVersionArn, stateMachineAliasArn } =
              describeExecution(one);
            return {
              executionArn: executionArn!,
              stateMachineArn: machine.arn,
              name: name!,
              status: status!,
              startDate: startDate!,
              ...(stopDate === undefined ? {} : { stopDate }),
              ...(stateMachineVersionArn === undefined ? {} : { stateMachineVersionArn }),
              ...(stateMachineAliasArn === undefined ? {} : { stateMachineAliasArn }),
              redriveCount: 0,
            };
          }),
          ...next,
        };
      },
    ),

    GetExecutionHistory: operation<Api.GetExecutionHistoryInput, Api.GetExecutionHistoryOutput>(
      onExecution('GetExecutionHistory'),
      ({ executionArn = '', nextToken, maxResults, reverseOrder, includeExecutionData = true }) => {
        const { events } = states.execution(executionArn).execution.history;
        const { items, next } = page(reverseOrder ? events.toReversed() : events, nextToken, maxResults);
        return { events: includeExecutionData ? items : items.map(withoutData), ...next };
      },
    ),

    SendTaskSuccess: operation<Api.SendTaskSuccessInput, Api.SendTaskSuccessOutput>(
      anywhere('SendTaskSuccess'),
      ({ taskToken, output = '' }) => {
        let value: Json;
        try {
          value = JSON.parse(output) as Json;
        } catch (error) {
          throw new ServiceError('InvalidOutput', `Invalid Output: '${(error as Error).message}'`);
        }
        if (Buffer.byteLength(output) > PAYLOAD_LIMIT) throw new ServiceError('InvalidOutput', "Invalid Output: 'The output is too large'");
        waiting(taskToken).succeed(new Data(value, output));
        return {};
      },
    ),

    SendTaskFailure: operation<Api.SendTaskFailureInput, Api.SendTaskFailureOutput>(
      anywhere('SendTaskFailure'),
      ({ taskToken, error, cause }) => {
        waiting(taskToken).fail(error, cause);
        return {};
      },
    ),

    SendTaskHeartbeat: operation<Api.SendTaskHeartbeatInput, Api.SendTaskHeartbeatOutput>(
      anywhere('SendTaskHeartbeat'),
      ({ taskToken }) => {
        waiting(taskToken).heartbeat();
        return {};
      },
    ),

    ValidateStateMachineDefinition: operation<Api.ValidateStateMachineDefinitionInput, Api.ValidateStateMachineDefinitionOutput>(
      anywhere('ValidateStateMachineDefinition'),
      ({ definition = '', type = 'STANDARD', severity, maxResults = 100 }) => {
        const findings = lintDefinition(definition, type as MachineType);
        const shown = findings.filter((one) => one.severity === 'ERROR' || severity === 'WARNING');
        return {
          result: findings.some((one) => one.severity === 'ERROR') ? 'FAIL' : 'OK',
          diagnostics: shown.slice(0, maxResults === 0 ? 100 : maxResults).map(({ location, ...one }) => ({
            ...one,
            ...(location === '' ? {} : { location }),
          })),
          truncated: shown.length > maxResults && maxResults !== 0,
        };
      },
    ),

    TestState: operation<Api.TestStateInput, Promise<Api.TestStateOutput>>(
      ({ roleArn }) => [
        { action: 'states:TestState', resource: '*' },
        ...(roleArn === undefined ? [] : [passRole(roleArn, 'states.amazonaws.com')]),
      ],
      (input) => testState(input, states.testEnvironment(input.roleArn ?? '')),
    ),

    ...versionOperations(states),

    ListTagsForResource: operation<Api.ListTagsForResourceInput, Api.ListTagsForResourceOutput>(
      onMachine('ListTagsForResource', (input) => input.resourceArn),
      ({ resourceArn }) => ({ tags: Object.entries(machineOf(resourceArn).tags).map(([key, value]) => ({ key, value })) }),
    ),

    TagResource: operation<Api.TagResourceInput, Api.TagResourceOutput>(
      onMachine('TagResource', (input) => input.resourceArn),
      ({ resourceArn, tags }) => {
        const machine = machineOf(resourceArn);
        machine.tags = { ...machine.tags, ...tagsOf(tags) };
        return {};
      },
    ),

    UntagResource: operation<Api.UntagResourceInput, Api.UntagResourceOutput>(
      onMachine('UntagResource', (input) => input.resourceArn),
      ({ resourceArn, tagKeys = [] }) => {
        const machine = machineOf(resourceArn);
        machine.tags = Object.fromEntries(Object.entries(machine.tags).filter(([key]) => !tagKeys.includes(key)));
        return {};
      },
    ),
  };
}

function withReason({ redriveStatus, redriveStatusReason }: ReturnType<typeof redrive>) {
  return { redriveStatus, ...(redriveStatusReason === null ? {} : { redriveStatusReason }) };
}

/** An event without inputs and outputs. */
function withoutData(event: Api.HistoryEvent): Api.HistoryEvent {
  const data = new Set(['input', 'output', 'parameters', 'inputDetails', 'outputDetails', 'assignedVariables']);
  return Object.fromEntries(
    Object.entries(event).map(([name, details]) => [
      name,
      name.endsWith('Details') ? Object.fromEntries(Object.entries(details as object).filter(([member]) => !data.has(member))) : details,
    ]),
  ) as unknown as Api.HistoryEvent;
}
