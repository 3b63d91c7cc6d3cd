/** The migration of a database: how it is rendered, the one task that runs, and what its end means. */

import { environmentName, family, fingerprint, migrationService } from '../pipeline/names.ts';
import type { Database, Foundation, Pipeline, ServiceDefinition } from '../pipeline/pipeline.ts';
import {
  type Refusal,
  refusalsOf,
  renderError,
  renderingOf,
  type TaskDefinitionParts,
  type TaskDefinitionRequest,
} from '../task-definition/rendering.ts';
import { type Home, homesOf } from './databases.ts';

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
 * @throws RenderError with all that is wrong, each with its place
 */
export function renderMigration(home: Home, parts: Omit<TaskDefinitionParts, 'service' | 'environment'>): TaskDefinitionRequest {
  const service = serviceOf(home.database);
  const rendering = renderingOf({ ...parts, environment: home.owner, service });
  const refusals = refusalsOf(rendering);
  if (refusals.length > 0) throw renderError(atDatabase(home.database, refusals), home.owner.name);
  return rendering.request;
}

/** Refusals of a migration, at the places of its database. */
export function atDatabase(database: Database, refusals: readonly Refusal[]): Refusal[] {
  const { name } = serviceOf(database);
  return refusals.map((refusal) => ({ ...refusal, place: refusal.place.replace(`services.${name}`, `databases.${database.name}`) }));
}

/**
 * What a run is called in ECS, as `startedBy` and as client token: the same for the same database, digest and run, so
 * that whoever tries again finds it. At most 64 characters.
 */
export const runName = (id: string, digest: string, releaseRun: string) =>
  `shiplock-migration-${fingerprint(`${id} ${digest} ${releaseRun}`)}`;

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
  readonly releaseRun: string;
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
  readonly releaseRun: string;
  readonly digest: string;
  readonly token: string;
  /** All databases that it waits for. */
  readonly among: readonly string[];
}

/** How one database stands for one waiter. `free`: nobody migrates it now, and this release has not. */
export type Standing = { readonly state: 'done' | 'open' | 'free' } | { readonly state: 'failed'; readonly reason: string };

/** @param runs of the waiter's digest @param holder whose run the database is busy with */
export function standingOf(
  { digest, releaseRun }: Pick<MigrationWaiter, 'digest' | 'releaseRun'>,
  runs: readonly MigrationRecord[],
  holder: Pick<MigrationRecord, 'digest'> | undefined,
): Standing {
  if (runs.some(({ state }) => state === 'succeeded')) return { state: 'done' };
  const failed = runs.find((run) => run.state === 'failed' && run.releaseRun === releaseRun && run.digest === digest);
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
