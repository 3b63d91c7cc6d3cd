/** The clients for one environment: ECS, load balancing and logs with its own deploy role; nothing of another environment. */
import type { Connection } from '../../aws/clients.ts';
import { Ecs } from '../../aws/ecs.ts';
import { LoadBalancing } from '../../aws/load-balancing.ts';
import { Logs } from '../../aws/logs.ts';
import { assumedRole } from '../../aws/sts.ts';
import { deployRole } from '../../domain/pipeline/names.ts';
import type { Environment, Group, Pipeline } from '../../domain/pipeline/pipeline.ts';
import { membersOf, type Release } from '../../domain/release/release.ts';

export interface EnvironmentClients {
  readonly ecs: Ecs;
  readonly loadBalancing: LoadBalancing;
  readonly logs: Logs;
  /** With the environment's role, for clients that few need. */
  readonly connection: Connection;
}

/** Clients by environment, made once per Lambda environment. @param step names the session, so that CloudTrail says who */
export function environmentClients(pipeline: Pipeline, step: string): (environment: string) => EnvironmentClients {
  const made = new Map<string, EnvironmentClients>();
  return (name) => {
    let clients = made.get(name);
    if (clients === undefined) {
      const environment = environmentOf(pipeline, name);
      const site = pipeline.sites[environment.site];
      const role = `arn:aws:iam::${site?.account}:role/${deployRole(pipeline.name, name)}`;
      const connection = { credentials: assumedRole(role, step), ...(site ? { region: site.region } : {}) };
      clients = { ecs: new Ecs(connection), loadBalancing: new LoadBalancing(connection), logs: new Logs(connection), connection };
      made.set(name, clients);
    }
    return clients;
  };
}

/** @throws Error if the pipeline has no such environment any more */
export function environmentOf(pipeline: Pipeline, name: string): Environment {
  const environment = pipeline.environments[name];
  if (environment === undefined)
    throw new Error(`no environment ${name} in this pipeline; there are ${Object.keys(pipeline.environments).join(', ')}`);
  return environment;
}

/** The groups that a release moves, or a set. */
export const groupsOf = (pipeline: Pipeline, release: Release): Group[] => [
  ...new Set(membersOf(release).map(({ repository }) => groupOf(pipeline, repository))),
];

/** Stands for all groups in the record of a set. */
export const ALL_GROUPS = '*';

/** The group whose turn a release needs; undefined: a set needs the environment's. */
export const turnOf = (pipeline: Pipeline, release: Release): string | undefined =>
  release.members ? undefined : groupOf(pipeline, release.repository).name;

/** The group that a repository's releases move with. */
export function groupOf(pipeline: Pipeline, repository: string) {
  const group = Object.values(pipeline.groups).find(({ repositories }) => repositories.includes(repository));
  if (group === undefined) throw new Error(`no service of this pipeline runs ${repository}`);
  return group;
}
