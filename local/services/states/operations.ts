/** The API operations of Step Functions, in the shapes of its SDK client. */
import type * as Api from '@aws-sdk/client-sfn';
import { lintDefinition } from '../../asl/lint.ts';
import { passRole } from '../../core/iam/authorize.ts';
import { type Operation, type Permission, ServiceError } from '../../core/service.ts';
import type { StatesAccount } from './account.ts';
import { activityOperations } from './activities.ts';
import { onMachine, operation, page } from './call.ts';
import { executionOperations } from './executions.ts';
import { loggingOf } from './logging.ts';
import type { MachineType } from './machine.ts';
import { tagOperations, tagsOf } from './tags.ts';
import { taskOperations } from './tasks.ts';
import { testState } from './test-state.ts';
import { versionOperations } from './versions.ts';

/** All operations. */
export function statesOperations(states: StatesAccount): Readonly<Record<string, Operation>> {
  const { site } = states;
  const now = () => new Date(site.world.clock.now());
  const anywhere = (action: string) => (): Permission[] => [{ action: `states:${action}`, resource: '*' }];

  const machineOf = (arn: string | undefined) => states.machine(arn ?? '');
  return {
    CreateStateMachine: operation<Api.CreateStateMachineInput, Api.CreateStateMachineOutput>(
      ({ name, roleArn }) => [
        { action: 'states:CreateStateMachine', resource: site.arn('states', `stateMachine:${name}`) },
        passRole(roleArn ?? '', 'states.amazonaws.com'),
      ],
      (input) => {
        if (input.versionDescription !== undefined && input.publish !== true)
          throw new ServiceError('ValidationException', 'Version description can only be set when publish is true');
        const machine = states.create({
          name: input.name ?? '',
          type: (input.type ?? 'STANDARD') as MachineType,
          definition: input.definition ?? '',
          roleArn: input.roleArn ?? '',
          tags: tagsOf(input.tags),
          logging: loggingOf(input.loggingConfiguration, site),
          tracing: input.tracingConfiguration,
          ...(input.publish === true ? { version: { description: input.versionDescription } } : {}),
        });
        const version = input.publish ? { stateMachineVersionArn: `${machine.arn}:1` } : {};
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
            'Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified',
          );
        if (versionDescription !== undefined && publish !== true)
          throw new ServiceError('ValidationException', 'Version description can only be set when publish is true');
        const logging = loggingConfiguration === undefined ? machine.logging : loggingOf(loggingConfiguration, site);
        if (definition !== undefined || roleArn !== undefined) states.update(machine, { definition, roleArn });
        machine.logging = logging;
        machine.tracing = tracingConfiguration ?? machine.tracing;
        const { revisionId } = machine.revision;
        const version = publish ? { stateMachineVersionArn: `${machine.arn}:${machine.publish(versionDescription)}` } : {};
        return { updateDate: now(), ...(revisionId === undefined ? {} : { revisionId }), ...version };
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
          loggingConfiguration: machine.logging,
          tracingConfiguration: machine.tracing,
          ...(revision.revisionId === undefined ? {} : { revisionId: revision.revisionId }),
          ...(revision.description === undefined ? {} : { description: revision.description }),
          encryptionConfiguration: { type: 'AWS_OWNED_KEY' },
          ...revision.references,
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

    ...executionOperations(states),

    ...taskOperations(states),

    ...activityOperations(states),

    ...versionOperations(states),

    ...tagOperations(states),
  };
}
