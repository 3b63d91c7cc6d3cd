/** `shiplock builds`: how the verification builds of an environment ended, and what one of them said. */
import type { Command } from 'commander';
import type { BuildRun } from '../../aws/codebuild.ts';
import { age, dayTime, plain, print, printJson, table, titleOf, UsageError, wholeNumber } from '../terminal/output.ts';
import { type SourceOptions, withExamples, withSource } from './shared/options.ts';

type Options = SourceOptions & { readonly limit: number };

export function addBuilds(program: Command): void {
  const command = program
    .command('builds')
    .description('how the verification builds of an environment ended, newest first; with a number, what that one said')
    .argument('<environment>', 'where')
    .argument('[number]', 'of one build, whose output is wanted', wholeNumber)
    .option('--limit <count>', 'at most so many', wholeNumber, 20);
  withExamples(withSource(command), 'builds test', 'builds test 3').action(builds);
}

/** A build that is older than so many is not looked for. */
const KNOWN = 1000;
/** The clock of a log is not CodeBuild's. Milliseconds. */
const SKEW = 60_000;

async function builds(where: string, number: number | undefined, options: Options): Promise<void> {
  const { knownEnvironment, openSource } = await import('../connection/source.ts');
  const source = await openSource(options);
  const { pipeline, timeZone, connection } = source;
  const environment = knownEnvironment(source, where);
  const build = pipeline.environments[environment]?.verification.build;
  if (build === undefined) throw new UsageError(`${environment} is verified by no build; see \`verification\` in the configuration`);
  if (source.kind === 'rehearsal') throw new UsageError('a rehearsal leaves no builds; run `shiplock local` and look there');
  const { Builds } = await import('../../aws/codebuild.ts');
  const { buildProject } = await import('../../domain/pipeline/names.ts');
  const { whileWorking } = await import('../terminal/spinner.ts');
  const project = buildProject(pipeline.name, environment, build);
  const known = await whileWorking('asks CodeBuild…', () =>
    new Builds(connection).newest(project, number === undefined ? options.limit : KNOWN),
  );
  if (known === undefined) throw new UsageError(`there is no CodeBuild project ${project}; deploy the stack of ${environment} first`);
  if (number !== undefined) return tell(source, known, number, options);
  if (options.json) return printJson(known.map(forPrograms));
  if (known.length === 0) return print(`no build has verified ${environment} yet`);
  const rows = known.map((run) => [
    String(run.number),
    run.release ? titleOf(run.release) : 'by hand',
    dayTime(run.began, timeZone),
    run.ended === undefined ? '' : age(run.ended - run.began),
    outcome(run.status),
    run.failure ? `${run.failure.phase}: ${run.failure.message}` : '',
  ]);
  print(table(['build', 'release', 'began', 'took', 'ended as', 'why'], rows));
}

/** Without colours: a table shows what would steer a terminal, as builds are strangers' too. */
const outcome = (status: string): string => (status === 'IN_PROGRESS' ? 'running' : status.toLowerCase().replace('_', ' '));

/** Times as programs read them. */
const forPrograms = ({ began, ended, log: _log, ...run }: BuildRun) => ({
  ...run,
  began: new Date(began).toISOString(),
  ...(ended === undefined ? {} : { ended: new Date(ended).toISOString() }),
});

/** What a build said, from its first line on. */
async function tell(
  { connection }: Awaited<ReturnType<typeof import('../connection/source.ts').openSource>>,
  known: readonly BuildRun[],
  number: number,
  { json }: Options,
): Promise<void> {
  const run = known.find((one) => one.number === number);
  if (run === undefined)
    throw new UsageError(
      `there is no build ${number}${known[0] ? ` among the newest ${KNOWN}; the newest is ${known[0].number}` : '; none has run yet'}`,
    );
  if (run.log === undefined) return json ? printJson({ ...forPrograms(run), lines: [] }) : print(`build ${number} has said nothing yet`);
  const { Logs } = await import('../../aws/logs.ts');
  const { whileWorking } = await import('../terminal/spinner.ts');
  const { group, stream } = run.log;
  const lines = await whileWorking('reads the log…', () => new Logs(connection).lines(group, run.began - SKEW, stream));
  if (json) return printJson({ ...forPrograms(run), lines: lines.map(({ at, text }) => ({ at: new Date(at).toISOString(), text })) });
  for (const { text } of lines) print(plain(text));
}
