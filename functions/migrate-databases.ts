/** Runs what a release brings for its databases, once for each database and digest, before any service changes; ECS's event ends the wait. */
import * as z from 'zod/mini';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { Migrations } from '../aws/migrations.ts';
import { Outbox } from '../aws/outbox.ts';
import { Parameters } from '../aws/ssm.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { Tasks } from '../aws/tasks.ts';
import { Turns } from '../aws/turns.ts';
import { databasesOf, type Home } from '../domain/database/databases.ts';
import { type MigrationRecord, type MigrationWaiter, renderRun, runName } from '../domain/database/migration.ts';
import type { PromotionRecord } from '../domain/ledger/records.ts';
import { environmentName } from '../domain/pipeline/names.ts';
import { MigrationFailed } from '../domain/workflow/errors.ts';
import { environmentClients, environmentOf, groupOf } from './environment/clients.ts';
import { promotionSchema } from './handler/inputs.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { entry } from './journal/entries.ts';
import { answerFor, endRun, type MigratingWorld, observeRun, tell, tellWaiters } from './migration/migration-runs.ts';

const Input = z.extend(promotionSchema, {
  fence: z.number(),
  token: z.optional(z.string()),
  /** Set for the backstop's check, after a wait that no event ended. */
  observe: z.optional(z.boolean()),
});

/** A run that was written down this long ago and that ECS has never heard of has lost its Lambda. Milliseconds. */
const LOST = 120_000;

interface World extends MigratingWorld {
  readonly parameters: Pick<Parameters, 'foundation'>;
  readonly ledger: Pick<Ledger, 'promotion' | 'gate'>;
  readonly turns: Pick<Turns, 'assertTurn'>;
}

export const migrateDatabases =
  (world: World) =>
  async (input: z.infer<typeof Input>, { now }: Moment): Promise<object> => {
    const { promotion, release, releaseRun, observe: only, token } = input;
    const record = await world.ledger.promotion(promotion);
    if (record === undefined) throw new Error(`no promotion ${promotion} in the ledger`);
    const homes = databasesOf(world.pipeline, environmentOf(world.pipeline, input.environment), release.repository);
    const waiter = { promotion, releaseRun, digest: release.digest, token: token ?? '', among: homes.map(({ id }) => id) };
    if (only) return observeOnce(world, homes, waiter, now());
    if (token === undefined) throw new Error('a migration needs a token to answer');
    await world.migrations.park(waiter);
    for (const home of homes) await advance(world, home, record, input, now());
    await tell(world, waiter, now());
    return {};
  };

/** Begins the migration of one database, unless it has run, is running, or another one is. */
async function advance(
  world: World,
  home: Home,
  record: PromotionRecord,
  { releaseRun, release, stage, fence }: z.infer<typeof Input>,
  now: number,
): Promise<void> {
  const { migrations, ledger } = world;
  for (;;) {
    const runs = await migrations.runs(home.id, release.digest);
    if (runs.some((run) => run.state === 'succeeded' || (run.state === 'failed' && run.releaseRun === releaseRun))) return;
    const holder = await migrations.holder(home.id);
    if (holder === undefined) {
      const gate = await ledger.gate(stage, release.repository);
      const taskDefinition = record.migrations?.[home.id];
      if (taskDefinition === undefined) throw new Error(`nothing is registered for the migration of ${home.id}`);
      const run: MigrationRecord = {
        database: home.id,
        repository: release.repository,
        digest: release.digest,
        tag: release.tag,
        releaseRun,
        promotion: record.promotion,
        execution: record.execution,
        environment: record.environment,
        approvedBy: gate?.releaseRun === releaseRun ? gate.approvals.map(({ by }) => by) : [],
        taskDefinition,
        run: runName(home.id, release.digest, releaseRun),
        state: 'running',
        askedAt: new Date(now).toISOString(),
      };
      if (!(await migrations.begin(run))) continue;
      return start(world, home, run, record, fence, now);
    }
    // Whoever holds the database may have ended unheard, or been cut off before it began.
    const seen = await observeRun(world, home, holder, now);
    if (seen.state !== 'running') {
      await tellWaiters(world, home.id, now);
      continue;
    }
    if (seen.taskArn !== undefined) return;
    if (seen.promotion === record.promotion) return start(world, home, seen, record, fence, now);
    if (now - Date.parse(seen.askedAt) < LOST) return;
    await endRun(world, seen, { state: 'failed', reason: `the migration of ${home.id} by ${seen.tag} never began` }, now);
  }
}

async function start(world: World, home: Home, run: MigrationRecord, record: PromotionRecord, fence: number, now: number): Promise<void> {
  const { pipeline, parameters, turns, tasks, migrations, journal } = world;
  await turns.assertTurn(record.environment, groupOf(pipeline, run.repository).name, record.promotion, fence);
  const { foundation } = await parameters.foundation(pipeline.name, home.owner.name, []);
  const started = await tasks(home.owner.name).run(renderRun(pipeline, home, foundation, run.taskDefinition, run.run) as never);
  if ('refused' in started) {
    await endRun(world, run, { state: 'failed', reason: `the migration of ${home.id} could not begin: ${started.refused}` }, now);
    return;
  }
  await migrations.note(run, { taskArn: started.taskArn });
  const about = { release: record.release, environment: record.environment, stage: record.stage };
  await journal.write(entry(run.releaseRun, `migrates/${home.id}`, now, 'info', `migrates ${home.id}`, about));
}

/** The backstop: what does ECS say, now that nobody has ended the wait in time? What still runs of ours is stopped. */
async function observeOnce(world: World, homes: readonly Home[], waiter: MigrationWaiter, now: number): Promise<object> {
  const { pipeline, migrations, tasks } = world;
  const late: string[] = [];
  for (const home of homes) {
    const holder = await migrations.holder(home.id);
    if (holder === undefined) continue;
    const seen = await observeRun(world, home, holder, now);
    if (seen.state !== 'running') {
      await tellWaiters(world, home.id, now);
      continue;
    }
    if (seen.promotion !== waiter.promotion) {
      late.push(`${home.id} is still being migrated by ${seen.repository} ${seen.tag}; promote again when that is over`);
      continue;
    }
    const reason = `the migration of ${home.id} took longer than ${home.database.timeoutMinutes} minutes and was stopped; see databases.${home.database.name}.timeoutMinutes`;
    late.push(reason);
    if (seen.taskArn === undefined) await endRun(world, seen, { state: 'failed', reason }, now);
    else {
      // The database stays busy until its task has stopped, which ECS's event will say.
      await migrations.note(seen, { reason });
      await tasks(home.owner.name).stopTask(environmentName(pipeline.name, home.owner.name), seen.taskArn, reason.slice(0, 255));
    }
  }
  await migrations.unpark(waiter);
  if (late.length > 0) throw new MigrationFailed(late.join('; '));
  const answer = await answerFor(world, waiter);
  if (answer && 'result' in answer) return answer.result;
  throw new MigrationFailed(answer?.cause ?? 'the migration has not begun');
}

export const handler = step('migrate-databases', Input, () => {
  const pipeline = readPipeline();
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  const clients = environmentClients(pipeline, 'migrate-databases');
  return migrateDatabases({
    pipeline,
    parameters: new Parameters(),
    ledger,
    migrations: new Migrations(ledger.table),
    turns: new Turns(ledger.table),
    outbox: new Outbox(ledger.table, new StepFunctions()),
    journal: new Journal(setting('JOURNAL_TABLE')),
    clients,
    tasks: (environment) => new Tasks(clients(environment).connection),
  });
});
