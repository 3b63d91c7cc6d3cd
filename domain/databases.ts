/** Named databases and their migrations: whose they are, who shares them, who is asked first, and the one task that runs. */
import { strictest } from './approval.ts';
import { RenderError } from './errors.ts';
import { environmentName, family, fingerprint, migrationService } from './names.ts';
import type { ApprovalRule, Database, Environment, Foundation, Pipeline, ServiceDefinition } from './pipeline.ts';
import { renderTaskDefinition, type TaskDefinitionParts, type TaskDefinitionRequest } from './render.ts';
import { lookedAt } from './strategy.ts';

/** One real database: the environment that it belongs to, where it is migrated, and what its migration is. */
export interface Home {
  /** `<environment>/<database>`, such as `live/orders`: what its evidence is kept under. */
  readonly id: string;
  readonly database: Database;
  readonly owner: Environment;
}

/** `live/orders` */
export const databaseId = (owner: string, database: string) => `${owner}/${database}`;

/** The databases that a release of `repository` brings migrations for when it enters an environment. */
export function databasesOf(pipeline: Pipeline, environment: Environment, repository: string): Home[] {
  return Object.values(pipeline.databases)
    .filter((database) => database.repository === repository)
    .flatMap((database) => {
      const owner = pipeline.environments[environment.databases[database.name] ?? ''];
      return owner ? [{ id: databaseId(owner.name, database.name), database, owner }] : [];
    });
}

/** Every real database of the pipeline. */
export const homesOf = (pipeline: Pipeline): Home[] =>
  Object.values(pipeline.environments).flatMap((environment) =>
    Object.values(pipeline.databases)
      .filter(({ name }) => environment.databases[name] === environment.name)
      .map((database) => ({ id: databaseId(environment.name, database.name), database, owner: environment })),
  );

/** The environments that use a real database, its owner among them. */
export const sharersOf = (pipeline: Pipeline, { database, owner }: Home): Environment[] =>
  Object.values(pipeline.environments).filter((environment) => environment.databases[database.name] === owner.name);

/**
 * Who is asked before a release of `repository` enters a stage: the strictest of the stage's own rule and of those of all
 * environments that share a database which would be migrated there. Undefined where nobody asks.
 */
export function approvalOf(pipeline: Pipeline, stage: string, repository: string): ApprovalRule | undefined {
  const looked = lookedAt(stage);
  if (looked !== undefined) return pipeline.environments[looked]?.approval;
  const own = pipeline.path.find(({ name }) => name === stage);
  const environments = (own?.environments ?? []).flatMap((name) => pipeline.environments[name] ?? []);
  const sharing = environments
    .flatMap((environment) => databasesOf(pipeline, environment, repository))
    .flatMap((home) => sharersOf(pipeline, home));
  const rules = [...new Set(sharing)].flatMap(({ approval }) => approval ?? []);
  return strictest([...(own?.approval ? [own.approval] : []), ...rules]);
}

/** A migration as a service that nobody keeps running: its template is rendered like any other. The migrating container alone decides. */
export const serviceOf = ({ name, repository, containers, template }: Database): ServiceDefinition => ({
  name: migrationService(name),
  group: '',
  containers,
  template: {
    ...template,
    containerDefinitions: template.containerDefinitions.map((container) => ({
      ...container,
      essential: container.name === migrator({ containers, repository }),
    })),
  },
  count: {},
  strategy: {},
});

/** The container whose exit code counts. */
export const migrator = ({ containers, repository }: Pick<Database, 'containers' | 'repository'>): string =>
  Object.entries(containers).find(([, source]) => 'repository' in source && source.repository === repository)?.[0] ?? '';

/**
 * RegisterTaskDefinition's input, with the owner's roles, variables and bounds.
 * @throws RenderError naming the place
 */
export function renderMigration(
  { database, owner }: Home,
  parts: Omit<TaskDefinitionParts, 'service' | 'environment'>,
): TaskDefinitionRequest {
  const service = serviceOf(database);
  try {
    return renderTaskDefinition({ ...parts, environment: owner, service });
  } catch (error) {
    if (!(error instanceof RenderError)) throw error;
    const place = error.place.replace(`services.${service.name}`, `databases.${database.name}`);
    throw new RenderError(place, error.message.slice(error.place.length + 2));
  }
}

/**
 * What a run is called in ECS, as `startedBy` and as client token: the same for the same database, digest and climb, so
 * that whoever tries again finds it. At most 64 characters.
 */
export const runName = (id: string, digest: string, climb: string) => `shiplock-migration-${fingerprint(`${id} ${digest} ${climb}`)}`;

/** RunTask's input: one task in the owner's network. https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html */
export const renderRun = (pipeline: Pipeline, { owner }: Home, foundation: Foundation, taskDefinition: string, run: string) => ({
  cluster: environmentName(pipeline.name, owner.name),
  taskDefinition,
  launchType: 'FARGATE',
  count: 1,
  networkConfiguration: {
    awsvpcConfiguration: { subnets: [...foundation.subnets], securityGroups: [...foundation.securityGroups], assignPublicIp: 'ENABLED' },
  },
  startedBy: run,
  clientToken: run,
});

/** The real database that a task definition migrates, by its ARN: `…:task-definition/<family>:<revision>`. */
export function homeOf(pipeline: Pipeline, taskDefinitionArn: string): Home | undefined {
  const own = taskDefinitionArn.split('/')[1]?.split(':')[0];
  return homesOf(pipeline).find(({ database, owner }) => family(pipeline.name, owner.name, migrationService(database.name)) === own);
}

export type MigrationState = 'running' | 'succeeded' | 'failed';

/** One run of a migration, and the evidence of it. Times are ISO 8601. */
export interface MigrationRecord {
  /** {@link Home.id} */
  readonly database: string;
  readonly repository: string;
  readonly digest: string;
  readonly tag: string;
  /** The release's execution: each of its attempts may run once. */
  readonly climb: string;
  /** The promotion that began it, the ARN of its execution, and where it went. */
  readonly promotion: string;
  readonly execution: string;
  readonly environment: string;
  /** Who approved that. Empty where nobody was asked. */
  readonly approvedBy: readonly string[];
  readonly taskDefinition: string;
  /** {@link runName} */
  readonly run: string;
  readonly state: MigrationState;
  readonly askedAt: string;
  readonly taskArn?: string;
  readonly endedAt?: string;
  readonly exitCode?: number;
  /** Why it failed, in words. */
  readonly reason?: string;
  /** The last lines of its log, oldest first. */
  readonly lastLines?: readonly string[];
}

/** A promotion that waits for migrations. */
export interface MigrationWaiter {
  readonly promotion: string;
  readonly climb: string;
  readonly digest: string;
  readonly token: string;
  /** All databases that it waits for. */
  readonly among: readonly string[];
}

/** How one database stands for one waiter. `free`: nobody migrates it now, and this release has not. */
export type Standing = { readonly state: 'done' | 'open' | 'free' } | { readonly state: 'failed'; readonly reason: string };

/** @param runs of the waiter's digest @param holder whose run the database is busy with */
export function standingOf(
  { digest, climb }: Pick<MigrationWaiter, 'digest' | 'climb'>,
  runs: readonly MigrationRecord[],
  holder: Pick<MigrationRecord, 'digest'> | undefined,
): Standing {
  if (runs.some(({ state }) => state === 'succeeded')) return { state: 'done' };
  const failed = runs.find((run) => run.state === 'failed' && run.climb === climb && run.digest === digest);
  if (failed) return { state: 'failed', reason: failed.reason ?? `the migration of ${failed.database} failed` };
  return { state: holder ? 'open' : 'free' };
}

/** How a task ended that was to migrate a database. */
export interface EndedTask {
  readonly stopCode: string;
  readonly stoppedReason: string;
  readonly containers: readonly { readonly name: string; readonly exitCode?: number; readonly reason?: string }[];
}

/**
 * Only a container that came to its own end with 0 has migrated: one that was told to stop may well end with 0 too.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
 */
export function verdictOn(
  home: Pick<Home, 'id' | 'database'>,
  { stopCode, stoppedReason, containers }: EndedTask,
  lastLines: readonly string[],
): Pick<MigrationRecord, 'state' | 'lastLines'> & { readonly exitCode?: number; readonly reason?: string } {
  const name = migrator(home.database);
  const container = containers.find((candidate) => candidate.name === name);
  const code = container?.exitCode;
  const exitCode = code === undefined ? {} : { exitCode: code };
  if (stopCode === 'EssentialContainerExited' && code === 0) return { state: 'succeeded', exitCode: 0, lastLines };
  const how =
    stopCode === 'EssentialContainerExited' && code !== undefined
      ? `container ${name} ended with exit code ${code}`
      : (container?.reason ?? stoppedReason) || `its task ended as ${stopCode}`;
  const last = lastLines.at(-1);
  const said = last ? `; last line: “${last.slice(0, 300)}”` : '';
  return { state: 'failed', ...exitCode, reason: `the migration of ${home.id} failed: ${how}${said}`, lastLines };
}
