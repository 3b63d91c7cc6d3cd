/** The API operations of Step Functions, in the shapes of its SDK client. */
import type * as Api from '@aws-sdk/client-sfn';
import { Data, type Json, PAYLOAD_LIMIT } from '../../asl/data.ts';
import { lintDefinition } from '../../asl/lint.ts';
import type { WaitingTask } from '../../asl/tokens.ts';
import { passRole } from '../../core/iam/authorize.ts';
import { type Call, type Operation, type Permission, ServiceError } from '../../core/service.ts';
import { redrive, type Started, type States } from './index.ts';
import { type Alias, type MachineType, noMachine, type StateMachine } from './machine.ts';
import { testState } from './test-state.ts';

const INCLUDED = { included: true };

/** A page of a list; the token is where the next one begins. @throws ServiceError InvalidToken */
function page<Item>(
  items: readonly Item[],
  token: string | undefined,
  size: number | undefined,
  most = 1000,
  usual = 100,
): { readonly items: Item[]; readonly next: { nextToken?: string } } {
  const from = token === undefined ? 0 : Number(Buffer.from(token, 'base64').toString());
  if (!Number.isInteger(from)) throw new ServiceError('InvalidToken', `Invalid Token: 'Invalid token'`);
  const to = from + Math.min(size === undefined || size === 0 ? usual : size, most);
  return { items: items.slice(from, to), next: to < items.length ? { nextToken: Buffer.from(String(to)).toString('base64') } : {} };
}

const tagsOf = (list: readonly Api.Tag[] | undefined): Record<string, string> =>
  Object.fromEntries((list ?? []).map(({ key = '', value = '' }) => [key, value]));

/** All operations. */
export function statesOperations(states: States): Readonly<Record<string, Operation>> {
  const { site } = states;
  const now = () => new Date(site.world.clock.now());
  const operation = <Input extends object, Output>(
    authorize: (input: Input) => readonly Permission[],
    handle: (input: Input, call: Call) => Output | Promise<Output>,
  ): Operation => ({ authorize, handle });
  /** IAM knows machines without version and alias; those are a condition key. */
  const onMachine =
    <Input>(action: string, arn: (input: Input) => string | undefined) =>
    (input: Input): Permission[] => {
      const [, resource = '*', qualifier] = /^(arn:(?:[^:]*:){5}[^:]*)(?::(.+))?$/.exec(arn(input) ?? '') ?? [];
      const qualified = ['StartExecution', 'StartSyncExecution', 'DescribeStateMachine', 'ListExecutions'].includes(action);
      return [
        {
          action: `states:${action}`,
          resource,
          ...(qualifier !== undefined && qualified ? { context: { 'states:StateMachineQualifier': qualifier } } : {}),
        },
      ];
    };
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
  const machineOf = (arn: string | undefined): StateMachine => {
    const { machine, version } = states.find(arn ?? '');
    if (version !== undefined) throw noMachine(arn ?? '');
    return machine;
  };
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
  const routesOf = (machine: StateMachine, list: readonly Api.RoutingConfigurationListItem[] | undefined): Alias['routes'] => {
    const routes = (list ?? []).map(({ stateMachineVersionArn = '', weight = 0 }) => ({
      version: Number(stateMachineVersionArn.slice(machine.arn.length + 1)),
      weight,
    }));
    const sum = routes.reduce((total, { weight }) => total + weight, 0);
    if (routes.length === 0 || routes.length > 2 || sum !== 100 || routes.some(({ version }) => !machine.versions.has(version)))
      throw new ServiceError('ValidationException', 'The routing configuration must name one or two versions with weights that sum to 100');
    return routes;
  };
  const aliasOf = (arn: string | undefined): { readonly machine: StateMachine; readonly alias: Alias } => {
    const { machine, alias } = states.find(arn ?? '');
    if (alias === undefined) throw new ServiceError('ResourceNotFound', `Request references a resource that does not exist: ${arn}`);
    return { machine, alias };
  };

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

    PublishStateMachineVersion: operation<Api.PublishStateMachineVersionInput, Api.PublishStateMachineVersionOutput>(
      onMachine('PublishStateMachineVersion', (input) => input.stateMachineArn),
      ({ stateMachineArn, revisionId, description }) => {
        const machine = machineOf(stateMachineArn);
        if (revisionId !== undefined && revisionId !== machine.revision.revisionId)
          throw new ServiceError('ConflictException', `Revision id ${revisionId} does not match the current revision`);
        const version = machine.publish(description);
        return { stateMachineVersionArn: `${machine.arn}:${version}`, creationDate: now() };
      },
    ),

    ListStateMachineVersions: operation<Api.ListStateMachineVersionsInput, Api.ListStateMachineVersionsOutput>(
      onMachine('ListStateMachineVersions', (input) => input.stateMachineArn),
      ({ stateMachineArn, nextToken, maxResults }) => {
        const machine = machineOf(stateMachineArn);
        const { items, next } = page([...machine.versions].reverse(), nextToken, maxResults);
        return {
          stateMachineVersions: items.map(([version, { made }]) => ({
            stateMachineVersionArn: `${machine.arn}:${version}`,
            creationDate: new Date(made),
          })),
          ...next,
        };
      },
    ),

    DeleteStateMachineVersion: operation<Api.DeleteStateMachineVersionInput, Api.DeleteStateMachineVersionOutput>(
      onMachine('DeleteStateMachineVersion', (input) => input.stateMachineVersionArn),
      ({ stateMachineVersionArn = '' }) => {
        const { machine, version } = states.find(stateMachineVersionArn);
        const used = [...machine.aliases.values()].find(({ routes }) => routes.some((route) => route.version === version));
        if (used !== undefined)
          throw new ServiceError(
            'ConflictException',
            `Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [${used.name}]`,
          );
        machine.versions.delete(version!);
        return {};
      },
    ),

    CreateStateMachineAlias: operation<Api.CreateStateMachineAliasInput, Api.CreateStateMachineAliasOutput>(
      onMachine('CreateStateMachineAlias', ({ routingConfiguration }) => routingConfiguration?.[0]?.stateMachineVersionArn),
      ({ name = '', description = '', routingConfiguration }) => {
        const { machine } = states.find(routingConfiguration?.[0]?.stateMachineVersionArn ?? '');
        if (machine.aliases.has(name)) throw new ServiceError('ConflictException', `Alias ${name} already exists`);
        const time = now();
        const routes = routesOf(machine, routingConfiguration);
        machine.aliases.set(name, { name, routes, description, created: time.getTime(), updated: time.getTime() });
        return { stateMachineAliasArn: `${machine.arn}:${name}`, creationDate: time };
      },
    ),

    UpdateStateMachineAlias: operation<Api.UpdateStateMachineAliasInput, Api.UpdateStateMachineAliasOutput>(
      onMachine('UpdateStateMachineAlias', (input) => input.stateMachineAliasArn),
      ({ stateMachineAliasArn, description, routingConfiguration }) => {
        const { machine, alias } = aliasOf(stateMachineAliasArn);
        if (routingConfiguration !== undefined) alias.routes = routesOf(machine, routingConfiguration);
        alias.description = description ?? alias.description;
        alias.updated = site.world.clock.now();
        return { updateDate: now() };
      },
    ),

    DescribeStateMachineAlias: operation<Api.DescribeStateMachineAliasInput, Api.DescribeStateMachineAliasOutput>(
      onMachine('DescribeStateMachineAlias', (input) => input.stateMachineAliasArn),
      ({ stateMachineAliasArn }) => {
        const { machine, alias } = aliasOf(stateMachineAliasArn);
        return {
          stateMachineAliasArn: `${machine.arn}:${alias.name}`,
          name: alias.name,
          description: alias.description,
          routingConfiguration: alias.routes.map(({ version, weight }) => ({
            stateMachineVersionArn: `${machine.arn}:${version}`,
            weight,
          })),
          creationDate: new Date(alias.created),
          updateDate: new Date(alias.updated),
        };
      },
    ),

    DeleteStateMachineAlias: operation<Api.DeleteStateMachineAliasInput, Api.DeleteStateMachineAliasOutput>(
      onMachine('DeleteStateMachineAlias', (input) => input.stateMachineAliasArn),
      ({ stateMachineAliasArn }) => {
        const { machine, alias } = aliasOf(stateMachineAliasArn);
        machine.aliases.delete(alias.name);
        return {};
      },
    ),

    ListStateMachineAliases: operation<Api.ListStateMachineAliasesInput, Api.ListStateMachineAliasesOutput>(
      onMachine('ListStateMachineAliases', (input) => input.stateMachineArn),
      ({ stateMachineArn, nextToken, maxResults }) => {
        const machine = machineOf(stateMachineArn);
        const { items, next } = page([...machine.aliases.values()], nextToken, maxResults);
        return {
          stateMachineAliases: items.map(({ name, created }) => ({
            stateMachineAliasArn: `${machine.arn}:${name}`,
            creationDate: new Date(created),
          })),
          ...next,
        };
      },
    ),

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
