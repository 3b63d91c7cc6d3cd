/** The operations on executions. */
import type * as Api from '@aws-sdk/client-sfn';
import { type Operation, type Permission, ServiceError } from '../../core/service.ts';
import type { StatesAccount } from './account.ts';
import { checkArn, type Kind } from './arn.ts';
import { onMachine, operation, page } from './call.ts';
import { redriveStatus } from './redrive.ts';
import type { Started } from './started.ts';

const INCLUDED = { included: true };

export function executionOperations(states: StatesAccount): Readonly<Record<string, Operation>> {
  const { site } = states;
  const now = () => new Date(site.world.clock.now());
  const onExecution =
    (action: string, ...kinds: readonly Kind[]) =>
    ({ executionArn }: { readonly executionArn?: string | undefined }): Permission[] => {
      checkArn(executionArn, 'execution', ...kinds);
      return [{ action: `states:${action}`, resource: executionArn! }];
    };
  const describe = (started: Started): Api.DescribeExecutionOutput => {
    const { execution, machine, versionArn, aliasArn } = started;
    const { end, redriven } = execution;
    return {
      executionArn: execution.arn,
      stateMachineArn: machine.arn,
      name: execution.name,
      status: execution.status,
      startDate: new Date(execution.startedAt),
      ...(execution.endedAt === undefined ? {} : { stopDate: new Date(execution.endedAt) }),
      input: execution.input.text,
      inputDetails: INCLUDED,
      ...(end?.output === undefined ? {} : { output: end.output.text, outputDetails: INCLUDED }),
      ...(end?.error === undefined ? {} : { error: end.error }),
      ...(end?.cause === undefined ? {} : { cause: end.cause }),
      ...(versionArn === undefined ? {} : { stateMachineVersionArn: versionArn }),
      ...(aliasArn === undefined ? {} : { stateMachineAliasArn: aliasArn }),
      redriveCount: redriven.length,
      ...(redriven.length === 0 ? {} : { redriveDate: new Date(redriven.at(-1)!) }),
      ...redriveStatus(started, site.world.clock.now()),
    };
  };

  return {
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
        if (found.machine.type !== 'EXPRESS') throw unsupported();
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
            // By started tenths of a second; nothing takes no time.
            billedDurationInMilliseconds: Math.max(1, Math.ceil((now().getTime() - execution.startedAt) / 100)) * 100,
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

    RedriveExecution: operation<Api.RedriveExecutionInput, Api.RedriveExecutionOutput>(
      onExecution('RedriveExecution'),
      ({ executionArn = '', clientToken }) => ({ redriveDate: new Date(states.redrive(executionArn, clientToken)) }),
    ),

    DescribeExecution: operation<Api.DescribeExecutionInput, Api.DescribeExecutionOutput>(
      onExecution('DescribeExecution'),
      ({ executionArn = '' }) => describe(states.execution(executionArn)),
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
          ...(revision.revisionId === undefined ? {} : { revisionId: revision.revisionId }),
          loggingConfiguration: machine.logging,
          tracingConfiguration: machine.tracing,
          encryptionConfiguration: { type: 'AWS_OWNED_KEY' },
          ...revision.references,
        };
      },
    ),

    ListExecutions: operation<Api.ListExecutionsInput, Api.ListExecutionsOutput>(
      ({ stateMachineArn, mapRunArn }) => {
        if ((stateMachineArn === undefined) === (mapRunArn === undefined))
          throw new ServiceError('ValidationException', 'Must provide exactly one of State Machine ARN or Map Run ARN.');
        if (mapRunArn !== undefined) throw new ServiceError('NotImplemented', 'local AWS keeps no Map Runs', 501);
        return onMachine<Api.ListExecutionsInput>('ListExecutions', (input) => input.stateMachineArn)({ stateMachineArn });
      },
      ({ stateMachineArn = '', statusFilter, redriveFilter, nextToken, maxResults }) => {
        const { machine, version, alias } = states.find(stateMachineArn);
        if (machine.type === 'EXPRESS') throw unsupported();
        if (statusFilter === 'PENDING_REDRIVE')
          throw new ServiceError('ValidationException', 'PENDING_REDRIVE is only supported with a Map Run ARN.');
        const versionArn = version === undefined || alias !== undefined ? undefined : `${machine.arn}:${version}`;
        const aliasArn = alias === undefined ? undefined : `${machine.arn}:${alias.name}`;
        const all = [...states.executions.values()]
          .filter((one) => one.machine === machine && (versionArn === undefined || one.versionArn === versionArn))
          .filter((one) => aliasArn === undefined || one.aliasArn === aliasArn)
          .filter(({ execution }) => statusFilter === undefined || execution.status === statusFilter)
          .filter(({ execution }) => redriveFilter === undefined || execution.redriven.length > 0 === (redriveFilter === 'REDRIVEN'))
          .reverse()
          // "Results are sorted by time, with the most recent execution first": by their end, where they have ended.
          .sort((a, b) => timeOf(b) - timeOf(a));
        const { items, next } = page(all, nextToken, maxResults);
        return { executions: items.map((one) => listed(describe(one), machine.arn)), ...next };
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
  };
}

const unsupported = () => new ServiceError('StateMachineTypeNotSupported', 'This operation is not supported by this type of state machine');

const timeOf = ({ execution }: Started): number => execution.endedAt ?? execution.startedAt;

function listed(described: Api.DescribeExecutionOutput, stateMachineArn: string): Api.ExecutionListItem {
  const { executionArn, name, status, startDate, stopDate, stateMachineVersionArn, stateMachineAliasArn, redriveCount, redriveDate } =
    described;
  return {
    executionArn: executionArn!,
    stateMachineArn,
    name: name!,
    status: status!,
    startDate: startDate!,
    ...(stopDate === undefined ? {} : { stopDate }),
    ...(stateMachineVersionArn === undefined ? {} : { stateMachineVersionArn }),
    ...(stateMachineAliasArn === undefined ? {} : { stateMachineAliasArn }),
    ...(redriveCount === undefined ? {} : { redriveCount }),
    ...(redriveDate === undefined ? {} : { redriveDate }),
  };
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
