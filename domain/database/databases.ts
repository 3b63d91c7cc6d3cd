/** Named databases: whose they are, who shares them, and who is asked before one is migrated. */
import { strictest } from '../approval/approval.ts';
import { confirmedEnvironment } from '../approval/confirmation.ts';
import type { ApprovalRule, Database, Environment, Pipeline } from '../pipeline/pipeline.ts';

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
  const looked = confirmedEnvironment(stage);
  if (looked !== undefined) return pipeline.environments[looked]?.approval;
  const own = pipeline.path.find(({ name }) => name === stage);
  const environments = (own?.environments ?? []).flatMap((name) => pipeline.environments[name] ?? []);
  const sharing = environments
    .flatMap((environment) => databasesOf(pipeline, environment, repository))
    .flatMap((home) => sharersOf(pipeline, home));
  const rules = [...new Set(sharing)].flatMap(({ approval }) => approval ?? []);
  return strictest([...(own?.approval ? [own.approval] : []), ...rules]);
}
