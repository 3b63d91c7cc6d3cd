/** Of which releases a service is made, and which services can be deployed from those that an environment has. */

import { membersOf, type Release } from '../release/release.ts';
import type { Group, Pipeline, ServiceDefinition } from './pipeline.ts';

/** The repositories whose releases run in these services. */
export const repositoriesOf = (services: readonly Pick<ServiceDefinition, 'containers'>[]): string[] => [
  ...new Set(
    services.flatMap(({ containers }) =>
      Object.values(containers).flatMap((source) => ('repository' in source ? [source.repository] : [])),
    ),
  ),
];

/** Whether there is a release for each of its containers. */
export const isComplete = (service: ServiceDefinition, releases: Readonly<Record<string, Release>>): boolean =>
  repositoriesOf([service]).every((repository) => repository in releases);

/** The repositories of a group that have no release yet. */
export const missingOf = (group: Group, releases: Readonly<Record<string, Release>>): string[] =>
  group.repositories.filter((repository) => !(repository in releases));

/** The groups that a release moves, or a set. */
export const groupsMovedBy = ({ groups }: Pipeline, release: Release): Group[] => [
  ...new Set(
    membersOf(release).flatMap(
      ({ repository }) => Object.values(groups).find(({ repositories }) => repositories.includes(repository)) ?? [],
    ),
  ),
];
