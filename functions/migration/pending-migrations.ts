/** Which databases a release has yet to migrate. */
import type { Migrations } from '../../aws/migrations.ts';
import { databasesOf, type Home } from '../../domain/database/databases.ts';
import type { Environment, Pipeline } from '../../domain/pipeline/pipeline.ts';
import { type Release, releaseTitle } from '../../domain/release/release.ts';

interface World {
  readonly pipeline: Pipeline;
  readonly migrations: Pick<Migrations, 'runs'>;
}

/** The databases of an environment that this digest has not migrated. */
export async function migrationsDue(
  { pipeline, migrations }: World,
  environment: Environment,
  { repository, digest }: Pick<Release, 'repository' | 'digest'>,
): Promise<Home[]> {
  const due: Home[] = [];
  for (const home of databasesOf(pipeline, environment, repository))
    if (!(await migrations.runs(home.id, digest)).some(({ state }) => state === 'succeeded')) due.push(home);
  return due;
}

/** Why a release cannot go in as part of a set. */
export const migratesAlone = (member: Pick<Release, 'repository' | 'tag'>, environment: string): string =>
  `${releaseTitle(member)} of this set has a migration to run for ${environment}; promote it by itself first: shiplock promote ${member.repository}@${member.tag} --to ${environment}`;
