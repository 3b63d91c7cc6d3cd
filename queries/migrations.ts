/** Migrations of databases: those that run, those that wait, and those that an approval would start. */
import { Migrations } from '../aws/migrations.ts';
import { databasesOf } from '../domain/database/databases.ts';
import type { ApprovalRecord } from '../domain/ledger/records.ts';
import type { PromotionInProgress } from './promotions.ts';
import type { Readers } from './readers.ts';

export interface MigrationView {
  /** Such as `live/orders`. */
  readonly database: string;
  /** `waits`: for the one that runs. `asked`: it runs if its release is let in. */
  readonly state: 'running' | 'waits' | 'asked';
  readonly repository: string;
  readonly tag: string;
  /** Into which it goes. */
  readonly environment: string;
  /** ISO 8601 */
  readonly since: string;
}

/** Those that run, those that wait for them, and those that an approval would start. */
export async function migrationsInProgress(
  readers: Readers,
  inProgress: readonly PromotionInProgress[],
  gates: readonly ApprovalRecord[],
): Promise<MigrationView[]> {
  const { pipeline, ledger } = readers;
  const migrations = new Migrations(ledger.table);
  const wanted = [
    ...inProgress.filter(({ state }) => state === 'migrating').map((one) => ({ ...one, state: 'waits' as const })),
    ...gates.flatMap(({ release, stage, releaseRun, askedAt: since }) =>
      (pipeline.path.find(({ name }) => name === stage)?.environments ?? []).map((environment) => ({
        releaseRun,
        release,
        environment,
        since,
        state: 'asked' as const,
      })),
    ),
  ];
  const views = await Promise.all(
    wanted.flatMap(({ environment: name, release, releaseRun, since, state }) => {
      const environment = pipeline.environments[name];
      const homes = environment ? databasesOf(pipeline, environment, release.repository) : [];
      return homes.map(async ({ id }): Promise<MigrationView[]> => {
        const [runs, holder] = await Promise.all([migrations.runs(id, release.digest), migrations.holder(id)]);
        if (runs.some((run) => run.state === 'succeeded')) return [];
        const isOwn = holder?.releaseRun === releaseRun && holder.digest === release.digest;
        const base = { database: id, repository: release.repository, tag: release.tag, environment: name };
        return [{ ...base, state: isOwn ? 'running' : state, since: isOwn ? holder.askedAt : since }];
      });
    }),
  );
  return views.flat();
}
