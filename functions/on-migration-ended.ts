/** Handles the event that the task of a migration has stopped. The event is only a wake-up: asks ECS once how it ended, keeps the evidence, and answers the steps that wait. */
import * as z from 'zod/mini';
import { Journal } from '../aws/journal.ts';
import { Ledger } from '../aws/ledger.ts';
import { Migrations } from '../aws/migrations.ts';
import { Outbox } from '../aws/outbox.ts';
import { StepFunctions } from '../aws/step-functions.ts';
import { Tasks } from '../aws/tasks.ts';
import { homeOf } from '../domain/database/migration.ts';
import { environmentClients } from './environment/clients.ts';
import { readPipeline, setting } from './handler/settings.ts';
import { type Moment, step } from './handler/step.ts';
import { type MigratingWorld, observeRun, tellWaiters } from './migration/migration-runs.ts';

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html */
const Event = z.object({
  source: z.literal('aws.ecs'),
  detail: z.object({ taskDefinitionArn: z.string(), lastStatus: z.string(), startedBy: z.optional(z.string()) }),
});

/** The event is ahead of what ECS answers when asked: Lambda brings it again in a minute, and then in two. */
class EventAhead extends Error {
  constructor(database: string) {
    super(`the migration of ${database} has stopped, says the event, but ECS still calls it running; ECS is asked again in a minute`);
    this.name = 'EventAhead';
  }
}

export const onMigrationEnded =
  (world: MigratingWorld) =>
  async ({ detail }: z.infer<typeof Event>, { now, logger }: Moment): Promise<void> => {
    const home = homeOf(world.pipeline, detail.taskDefinitionArn);
    if (home === undefined) {
      logger.info('not a migration of this pipeline', { taskDefinition: detail.taskDefinitionArn });
      return;
    }
    const run = await world.migrations.holder(home.id);
    if (run !== undefined && run.run === detail.startedBy) {
      const seen = await observeRun(world, home, run, now());
      if (seen.state === 'running' && detail.lastStatus === 'STOPPED') throw new EventAhead(home.id);
    }
    // Also when it has ended already: an earlier event's handler may have been cut off before it could tell.
    await tellWaiters(world, home.id, now());
  };

export const handler = step('on-migration-ended', Event, () => {
  const pipeline = readPipeline();
  const ledger = new Ledger(setting('LEDGER_TABLE'));
  const clients = environmentClients(pipeline, 'on-migration-ended');
  return onMigrationEnded({
    pipeline,
    migrations: new Migrations(ledger.table),
    outbox: new Outbox(ledger.table, new StepFunctions()),
    journal: new Journal(setting('JOURNAL_TABLE')),
    clients,
    tasks: (environment) => new Tasks(clients(environment).connection),
  });
});
