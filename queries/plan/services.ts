/** What would change of each service: the lines of its task definition, its strategy and its alarms. */

import type { RunningRecord, ServiceRecord } from '../../domain/ledger/records.ts';
import { isComplete, repositoriesOf } from '../../domain/pipeline/composition.ts';
import { promotionExecution, releaseExecution, rolloutAlarms } from '../../domain/pipeline/names.ts';
import type { Environment, Group, ServiceDefinition } from '../../domain/pipeline/pipeline.ts';
import { foundationPlaceholder, repositoryUris } from '../../domain/promotion/planned-requests.ts';
import { membersOf, type Release } from '../../domain/release/release.ts';
import { strategyOf } from '../../domain/rollout/choice.ts';
import { diffDefinitions } from '../../domain/task-definition/comparison.ts';
import { renderTaskDefinition } from '../../domain/task-definition/rendering.ts';
import type { Readers } from '../readers.ts';
import type { ServicePlan } from './types.ts';

export async function servicesOf(
  readers: Readers,
  environment: Environment,
  release: Release,
  groups: readonly Group[],
  manifest: readonly RunningRecord[],
  records: readonly ServiceRecord[],
): Promise<ServicePlan[]> {
  const { pipeline } = readers;
  const releases = together(manifest, release);
  const running = Object.fromEntries(manifest.map((record) => [record.repository, record]));
  const definitions = readers.connection && new (await import('../../aws/definitions.ts')).Definitions(readers.connection);
  const plans: ServicePlan[] = [];
  for (const service of groups.flatMap(({ services }) => services.map((name) => pipeline.services[name]!))) {
    const strategy = strategyOf(environment, service);
    const record = records.find((one) => one.service === service.name);
    const common = {
      service: service.name,
      runs: record?.taskDefinition ?? null,
      strategy,
      alarms: strategy.kind === 'rolling' ? [] : rolloutAlarms(pipeline.name, environment.name, service.name),
    };
    if (!isComplete(service, releases)) {
      const missing = repositoriesOf([service]).filter((repository) => !(repository in releases));
      plans.push({ ...common, against: 'rendered', diff: [], missing });
      continue;
    }
    const after = rendered(readers, environment, service, releases);
    const found = record && (await definitions?.find(record.taskDefinition));
    const before = found
      ? { ...found.definition, tags: found.tags }
      : record && isComplete(service, running)
        ? rendered(readers, environment, service, running)
        : undefined;
    plans.push({ ...common, against: found || record === undefined ? 'ecs' : 'rendered', diff: diffDefinitions(before, after) });
  }
  return plans;
}

function rendered(
  { pipeline }: Readers,
  environment: Environment,
  service: ServiceDefinition,
  releases: Readonly<Record<string, Release>>,
) {
  const [repository = ''] = repositoriesOf([service]);
  return renderTaskDefinition({
    pipeline,
    environment,
    service,
    releases,
    repositoryUris: repositoryUris(pipeline, environment.name),
    foundation: foundationPlaceholder(pipeline, environment.name),
    // Of no promotion yet: its tag is no part of the comparison.
    promotion: promotionExecution(environment.name, releaseExecution(repository, releases[repository]?.digest ?? '', 1)),
  });
}

/** What an environment would run of each repository. */
export const together = (manifest: readonly RunningRecord[], release: Release): Record<string, Release> =>
  Object.fromEntries([...manifest, ...membersOf(release)].map((one) => [one.repository, one]));
