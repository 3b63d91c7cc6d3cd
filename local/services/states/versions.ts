/** The operations on versions and aliases of a state machine. */
import type * as Api from '@aws-sdk/client-sfn';
import { type Operation, ServiceError } from '../../core/service.ts';
import type { StatesAccount } from './account.ts';
import { onMachine, operation, page } from './call.ts';
import type { Alias, StateMachine } from './machine.ts';

export function versionOperations(states: StatesAccount): Readonly<Record<string, Operation>> {
  const { site } = states;
  const now = () => new Date(site.world.clock.now());
  const machineOf = (arn: string | undefined) => states.machine(arn ?? '');
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
  };
}
