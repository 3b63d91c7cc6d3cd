/** The operations on versions and aliases of a state machine. */
import type * as Api from '@aws-sdk/client-sfn';
import { type Operation, ServiceError } from '../../core/service.ts';
import type { StatesAccount } from './account.ts';
import { machineParts } from './arn.ts';
import { onMachine, operation, page } from './call.ts';
import { type Alias, noResource, type StateMachine } from './machine.ts';

/** Of one machine. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const MOST_ALIASES = 100;

export function versionOperations(states: StatesAccount): Readonly<Record<string, Operation>> {
  const { site } = states;
  const now = () => new Date(site.world.clock.now());
  const machineOf = (arn: string | undefined) => states.machine(arn ?? '');
  const aliasOf = (arn: string | undefined): { readonly machine: StateMachine; readonly alias: Alias } => {
    const { machine: own, qualifier = '' } = machineParts(arn ?? '');
    const machine = states.machines.get(own);
    const alias = machine?.aliases.get(qualifier);
    if (machine === undefined || alias === undefined) throw noResource();
    return { machine, alias };
  };

  return {
    PublishStateMachineVersion: operation<Api.PublishStateMachineVersionInput, Api.PublishStateMachineVersionOutput>(
      onMachine('PublishStateMachineVersion', (input) => input.stateMachineArn),
      ({ stateMachineArn, revisionId, description }) => {
        const machine = machineOf(stateMachineArn);
        machine.checkRevision(revisionId);
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
        const { machine: own, qualifier } = machineParts(stateMachineVersionArn);
        const machine = states.machines.get(own);
        if (qualifier === undefined || !/^\d+$/.test(qualifier))
          throw new ServiceError('ValidationException', `The ARN is not that of a state machine version: ${stateMachineVersionArn}`);
        // Deleting what is not there succeeds.
        if (machine === undefined) return {};
        const version = Number(qualifier);
        const used = [...machine.aliases.values()].find(({ routes }) => routes.some((route) => route.version === version));
        if (used !== undefined)
          throw new ServiceError(
            'ConflictException',
            `Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [${used.name}]`,
          );
        machine.versions.delete(version);
        return {};
      },
    ),

    CreateStateMachineAlias: operation<Api.CreateStateMachineAliasInput, Api.CreateStateMachineAliasOutput>(
      onMachine('CreateStateMachineAlias', ({ routingConfiguration }) => routingConfiguration?.[0]?.stateMachineVersionArn),
      ({ name = '', description = '', routingConfiguration }) => {
        const { machine, routes } = routesOf(states, routingConfiguration ?? []);
        const existing = machine.aliases.get(name);
        if (existing !== undefined) {
          // The same again is no other alias.
          if (existing.description === description && sameRoutes(existing.routes, routes))
            return { stateMachineAliasArn: `${machine.arn}:${name}`, creationDate: new Date(existing.created) };
          throw new ServiceError(
            'ConflictException',
            'Failed to create alias because an alias with the same name and a different routing configuration already exists.',
          );
        }
        if (machine.aliases.size >= MOST_ALIASES)
          throw new ServiceError('ServiceQuotaExceededException', `A state machine can have at most ${MOST_ALIASES} aliases.`);
        const time = now();
        machine.aliases.set(name, { name, routes, description, created: time.getTime(), updated: time.getTime() });
        return { stateMachineAliasArn: `${machine.arn}:${name}`, creationDate: time };
      },
    ),

    UpdateStateMachineAlias: operation<Api.UpdateStateMachineAliasInput, Api.UpdateStateMachineAliasOutput>(
      onMachine('UpdateStateMachineAlias', (input) => input.stateMachineAliasArn),
      ({ stateMachineAliasArn, description, routingConfiguration }) => {
        const { machine, alias } = aliasOf(stateMachineAliasArn);
        if (description === undefined && routingConfiguration === undefined)
          throw new ServiceError('ValidationException', 'Either the description or the routing configuration must be specified.');
        if (routingConfiguration !== undefined) {
          const found = routesOf(states, routingConfiguration);
          if (found.machine !== machine) throw differentMachines();
          alias.routes = found.routes;
        }
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
        const { machine, qualifier = '' } = machineParts(stateMachineAliasArn ?? '');
        // Deleting what is not there succeeds.
        states.machines.get(machine)?.aliases.delete(qualifier);
        return {};
      },
    ),

    ListStateMachineAliases: operation<Api.ListStateMachineAliasesInput, Api.ListStateMachineAliasesOutput>(
      onMachine('ListStateMachineAliases', (input) => input.stateMachineArn),
      ({ stateMachineArn, nextToken, maxResults }) => {
        const machine = machineOf(stateMachineArn);
        const { items, next } = page(
          [...machine.aliases.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
          nextToken,
          maxResults,
        );
        return {
          stateMachineAliases: items.map(({ name, created }) => ({
            stateMachineAliasArn: `${machine.arn}:${name}`,
            creationDate: new Date(created),
          })),
          ...next,
        };
      },
    ),
  };
}

interface Routed {
  readonly machine: StateMachine;
  readonly routes: Alias['routes'];
}

/** One or two versions of one machine, whose weights make 100. @throws ServiceError ValidationException, ResourceNotFound */
function routesOf(states: StatesAccount, list: readonly Api.RoutingConfigurationListItem[]): Routed {
  const invalid = (message: string) => new ServiceError('ValidationException', message);
  const arns = list.map(({ stateMachineVersionArn = '' }) => stateMachineVersionArn);
  const parts = arns.map(machineParts);
  if (parts.some(({ qualifier }) => qualifier === undefined || !/^\d+$/.test(qualifier)))
    throw invalid(`Routing configuration must contain state machine version ARNs. Received: [${arns.join(', ')}]`);
  if (new Set(parts.map(({ machine }) => machine)).size > 1) throw differentMachines();
  if (new Set(arns).size < arns.length)
    throw invalid(`Routing configuration must contain distinct state machine version ARNs. Received: [${arns.join(', ')}]`);
  const sum = list.reduce((total, { weight = 0 }) => total + weight, 0);
  if (sum !== 100)
    throw invalid(`Sum of routing configuration weights must equal 100. Received: [${list.map(({ weight }) => weight).join(', ')}]`);
  const machine = states.machines.get(parts[0]?.machine ?? '');
  const routes = list.map(({ weight = 0 }, index) => ({ version: Number(parts[index]?.qualifier), weight }));
  if (machine === undefined || routes.some(({ version }) => !machine.versions.has(version))) throw noResource();
  return { machine, routes };
}

const differentMachines = () =>
  new ServiceError('ValidationException', 'Routing configuration must contain versions of the same state machine.');

const sameRoutes = (a: Alias['routes'], b: Alias['routes']) => JSON.stringify(a) === JSON.stringify(b);
