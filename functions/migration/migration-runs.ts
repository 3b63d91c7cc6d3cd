/** What steps and events do about a running migration: ask ECS about its task, write its end down, answer the steps that wait. */
import type { Journal } from '../../aws/journal.ts';
import type { Migrations } from '../../aws/migrations.ts';
import type { Outbox } from '../../aws/outbox.ts';
import type { Answer } from '../../aws/step-functions.ts';
import type { Tasks } from '../../aws/tasks.ts';
import type { Home } from '../../domain/database/databases.ts';
import { type MigrationRecord, type MigrationWaiter, migrator, standingOf, verdictOn } from '../../domain/database/migration.ts';
import { environmentName, logGroup, migrationService } from '../../domain/pipeline/names.ts';
import type { Pipeline } from '../../domain/pipeline/pipeline.ts';
import { DatabaseFree, MigrationFailed } from '../../domain/workflow/errors.ts';
import type { EnvironmentClients } from '../environment/clients.ts';
import { entry } from '../journal/entries.ts';

export interface MigratingWorld {
  readonly pipeline: Pipeline;
  readonly migrations: Migrations;
  readonly outbox: Outbox;
  readonly journal: Pick<Journal, 'write'>;
  readonly clients: (environment: string) => Pick<EnvironmentClients, 'logs'>;
  readonly tasks: (environment: string) => Tasks;
}

/** Lines of the log that are kept as evidence, and the characters of each. */
const KEPT = { lines: 10, characters: 500 };

/**
 * Asks ECS once about a run's task, found by its ARN or by the name that it was started under. An end is written down with its evidence.
 * @returns the run as it stands now; without `taskArn` ECS has never heard of it
 */
export async function observeRun(world: MigratingWorld, home: Home, run: MigrationRecord, now: number): Promise<MigrationRecord> {
  const { pipeline, clients } = world;
  const { logs } = clients(home.owner.name);
  const ecs = world.tasks(home.owner.name);
  const cluster = environmentName(pipeline.name, home.owner.name);
  const taskArn = run.taskArn ?? (await ecs.taskStartedBy(cluster, run.run));
  if (taskArn === undefined) return run;
  if (run.taskArn === undefined) await world.migrations.note(run, { taskArn });
  const task = await ecs.task(cluster, taskArn);
  const known = { ...run, taskArn };
  if (task === undefined) {
    const reason = `nobody knows how the migration of ${home.id} ended: ECS no longer knows its task; check the database, then promote again`;
    return endRun(world, known, { state: 'failed', reason }, now);
  }
  if (task.lastStatus !== 'STOPPED') return known;
  const service = migrationService(home.database.name);
  const stream = `${service}/${migrator(home.database)}/${taskArn.split('/').at(-1)}`;
  // Evidence that cannot be had must not keep anybody waiting.
  const lines = await logs.lastLines(logGroup(pipeline.name, home.owner.name, service), stream, KEPT.lines).catch(() => []);
  const verdict = verdictOn(
    home,
    task,
    lines.map((line) => line.slice(0, KEPT.characters)),
  );
  // Why it was stopped is known better than that it was.
  const reason = verdict.state === 'failed' ? { reason: run.reason ?? verdict.reason ?? '' } : {};
  return endRun(world, known, { ...verdict, ...reason }, now);
}

/** Writes an end down, once. @returns the run as it has ended */
export async function endRun(
  { migrations, journal }: MigratingWorld,
  run: MigrationRecord,
  fields: Partial<MigrationRecord> & Pick<MigrationRecord, 'state'>,
  now: number,
): Promise<MigrationRecord> {
  const ended = { ...fields, endedAt: new Date(now).toISOString() };
  await migrations.end(run, ended);
  const { repository, digest, tag, environment, database } = run;
  const isGood = fields.state === 'succeeded';
  const text = isGood ? `migrated ${database}` : (fields.reason ?? `the migration of ${database} failed`);
  const about = { release: { repository, digest, tag }, environment };
  await journal.write(entry(run.releaseRun, `migrated/${database}`, now, isGood ? 'info' : 'bad', text, about));
  return { ...run, ...ended };
}

/** What a waiter is told; undefined while it has to wait. The first failure decides. */
export async function answerFor({ migrations }: Pick<MigratingWorld, 'migrations'>, waiter: MigrationWaiter): Promise<Answer | undefined> {
  const standings = await Promise.all(
    waiter.among.map(async (database) => {
      // The holder first: a run that ends between the two reads has then ended in both.
      const holder = await migrations.holder(database);
      return { database, standing: standingOf(waiter, await migrations.runs(database, waiter.digest), holder) };
    }),
  );
  for (const { standing } of standings)
    if (standing.state === 'failed') {
      const error = new MigrationFailed(standing.reason);
      return { error: error.name, cause: error.message };
    }
  if (standings.some(({ standing }) => standing.state === 'open')) return undefined;
  const free = standings.find(({ standing }) => standing.state === 'free');
  if (!free) return { result: { migrated: waiter.among } };
  const error = new DatabaseFree(free.database);
  return { error: error.name, cause: error.message };
}

/** Tells everybody who waits for a database and need not any more. Telling twice is harmless. */
export async function tellWaiters(world: MigratingWorld, database: string, now: number): Promise<void> {
  for (const waiter of await world.migrations.waiters(database)) await tell(world, waiter, now);
}

/** @returns whether it was told */
export async function tell(world: MigratingWorld, waiter: MigrationWaiter, now: number): Promise<boolean> {
  const answer = await answerFor(world, waiter);
  if (answer === undefined) return false;
  await world.outbox.answer(waiter.token, answer, now);
  await world.migrations.unpark(waiter);
  return true;
}
