/** What a promotion would do and wait for, as a value: read from the ledger and ECS, rendered by the pipeline's own code. */

import { Migrations } from '../../aws/migrations.ts';
import { databasesOf } from '../../domain/database/databases.ts';
import { groupsMovedBy, missingOf } from '../../domain/pipeline/composition.ts';
import type { Environment } from '../../domain/pipeline/pipeline.ts';
import { membersOf, type Release, releaseTitle } from '../../domain/release/release.ts';
import type { Strategy } from '../../domain/rollout/strategy.ts';
import type { Readers } from '../readers.ts';
import { changeOf } from './changes.ts';
import { refusalsIn, refusalsOf } from './refusals.ts';
import { servicesOf, together } from './services.ts';
import type { EnvironmentPlan, MigrationPlan, Order, Plan, Wait } from './types.ts';
import { gateOf, waitsIn } from './waits.ts';

export async function planOf(readers: Readers, order: Order): Promise<Plan> {
  const { pipeline } = readers;
  const { release, to } = order;
  const stage = pipeline.path.find(({ environments }) => environments.includes(to));
  if (stage === undefined)
    return { release, to, stage: to, refusals: [`${to} is not on the path of this pipeline`], waitsFor: [], environments: [] };
  const gate = await readers.ledger.gate(stage.name, release.repository);
  const views = await Promise.all(stage.environments.map((name) => planIn(readers, order, pipeline.environments[name]!)));
  return {
    release,
    to,
    stage: stage.name,
    refusals: [...new Set([...(await refusalsOf(readers, order, gate)), ...views.flatMap(({ refusals }) => refusals)])],
    waitsFor: gateOf(readers, order, stage.name, gate),
    environments: views.map(({ refusals: _refusals, ...view }) => view),
  };
}

async function planIn(
  readers: Readers,
  order: Order,
  environment: Environment,
): Promise<EnvironmentPlan & { readonly refusals: readonly string[] }> {
  const { pipeline, ledger } = readers;
  const { name } = environment;
  const { release } = order;
  const groups = groupsMovedBy(pipeline, release);
  const [manifest, records, [last]] = await Promise.all([ledger.manifest(name), ledger.services(name), ledger.promotions(name, 1)]);
  const [changes, waitsFor, migrations, services, refusals] = await Promise.all([
    Promise.all(membersOf(release).map((member) => changeOf(readers, manifest, member))),
    waitsIn(readers, environment, release, groups),
    migrationsOf(readers, environment, release),
    servicesOf(readers, environment, release, groups, manifest, records),
    refusalsIn(readers, environment, order, manifest),
  ]);
  const first = services.filter(({ missing }) => missing === undefined).length === 0;
  const runs = migrations.filter(({ state }) => state !== 'has run');
  const pauses = services.flatMap(({ service, strategy, missing }) =>
    strategy.kind !== 'rolling' && missing === undefined ? pauseText(service, strategy, environment) : [],
  );
  return {
    environment: name,
    changes,
    waitsFor: [...waitsFor, ...runs.map(migrationWait), ...pauses.map((text): Wait => ({ what: 'pause', text }))],
    services,
    migrations,
    refusals: [
      ...refusals,
      ...(first && services.length > 0
        ? groups.map(
            (group) =>
              `${group.name} also needs ${missingOf(group, together(manifest, release)).join(', ')}, and ${name} runs none of them yet`,
          )
        : []),
      ...(release.members && runs.length > 0
        ? [
            `a release of this set has a migration to run for ${name} (${runs.map(({ database }) => database).join(', ')}); promote it by itself first`,
          ]
        : []),
    ],
    ...(last && last.pipeline !== pipeline.digest ? { configuration: { here: pipeline.digest, last: last.pipeline } } : {}),
  };
}

const migrationWait = ({ database, state, by }: MigrationPlan): Wait => ({
  what: 'migration',
  text: state === 'is busy' ? `the migration of ${database}, which runs now` : `the migration of ${database} by ${by}`,
});

const pauseText = (service: string, strategy: Exclude<Strategy, { kind: 'rolling' }>, { name, approval }: Environment) =>
  `${service}: the checks at the test listener of ${name}${strategy.confirm ? `, and a confirmation by ${approval?.approvers.join(', ') ?? 'nobody'}` : ''}, at most ${strategy.pauseMinutes} min`;

async function migrationsOf({ pipeline, ledger }: Readers, environment: Environment, release: Release): Promise<MigrationPlan[]> {
  const migrations = new Migrations(ledger.table);
  const found: MigrationPlan[] = [];
  for (const member of membersOf(release))
    for (const { id } of databasesOf(pipeline, environment, member.repository)) {
      const [runs, holder] = await Promise.all([migrations.runs(id, member.digest), migrations.holder(id)]);
      const state = runs.some((run) => run.state === 'succeeded') ? 'has run' : holder ? 'is busy' : 'would run';
      found.push({ database: id, state, by: releaseTitle(member) });
    }
  return found;
}
