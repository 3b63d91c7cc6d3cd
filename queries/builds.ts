/** The builds that verify an environment: how they ended, and what one of them said. */
import { type BuildRun, Builds } from '../aws/codebuild.ts';
import { type LogLine, Logs } from '../aws/logs.ts';
import { buildProject } from '../domain/pipeline/names.ts';
import { QueryError } from './errors.ts';
import type { Readers } from './readers.ts';

/** A build that is older than so many is not looked for. */
const KNOWN = 1000;
/** The clock of a log is not CodeBuild's. Milliseconds. */
const SKEW = 60_000;

/** Newest first. @throws QueryError for an environment without such builds, or where CodeBuild cannot be asked */
export async function buildsOf({ pipeline, connection }: Readers, environment: string, limit: number): Promise<BuildRun[]> {
  const build = pipeline.environments[environment]?.verification.build;
  if (build === undefined) throw new QueryError(`${environment} is verified by no build; see \`verification\` in the configuration`);
  if (connection === undefined) throw new QueryError('a rehearsal leaves no builds; run `shiplock local` and ask there');
  const project = buildProject(pipeline.name, environment, build);
  const found = await new Builds(connection).newest(project, limit);
  if (found === undefined) throw new QueryError(`there is no CodeBuild project ${project}; deploy the stack of ${environment} first`);
  return found;
}

export interface BuildOutput {
  readonly run: BuildRun;
  /** From its first line on; undefined where it has said nothing yet. */
  readonly lines: readonly LogLine[] | undefined;
}

/** @throws QueryError if there is no build of this number, or none that is new enough */
export async function buildOutput(readers: Readers, environment: string, number: number): Promise<BuildOutput> {
  const builds = await buildsOf(readers, environment, KNOWN);
  const run = builds.find((one) => one.number === number);
  const [newest] = builds;
  if (run === undefined)
    throw new QueryError(
      `there is no build ${number}${newest ? ` among the newest ${KNOWN}; the newest is ${newest.number}` : '; none has run yet'}`,
    );
  if (run.log === undefined) return { run, lines: undefined };
  return { run, lines: await new Logs(readers.connection).lines(run.log.group, run.began - SKEW, run.log.stream) };
}
