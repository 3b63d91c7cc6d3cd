/** `shiplock builds`: how the verification builds of an environment ended, and what one of them said. */
import type { Command } from 'commander';
import type { BuildRun } from '../../aws/codebuild.ts';
import { dayTime } from '../../domain/text/times.ts';
import type { BuildOutput } from '../../queries/builds.ts';
import type { SourceOptions } from '../connection/options.ts';
import { print, printJson } from '../terminal/output.ts';
import { table } from '../terminal/table.ts';
import { age, plain, titleOf } from '../terminal/text.ts';
import { wholeNumber, withExamples, withSource } from './shared/options.ts';

type Options = SourceOptions & { readonly limit: number };

export function addBuilds(program: Command): void {
  const command = program
    .command('builds')
    .description('list the verification builds of an environment, newest first; with a number, print the log of that build')
    .argument('<environment>', 'where')
    .argument('[number]', 'number of the build whose log to print', wholeNumber)
    .option('--limit <count>', 'how many to list', wholeNumber, 20);
  withExamples(withSource(command), 'builds test', 'builds test 3').action(builds);
}

async function builds(where: string, number: number | undefined, options: Options): Promise<void> {
  const { openSource } = await import('../connection/open.ts');
  const { knownEnvironment } = await import('../../queries/names.ts');
  const { buildOutput, buildsOf } = await import('../../queries/builds.ts');
  const { whileWorking } = await import('../terminal/spinner.ts');
  const source = await openSource(options);
  const environment = knownEnvironment(source, where);
  if (number !== undefined)
    return drawOutput(await whileWorking('reads the log…', () => buildOutput(source, environment, number)), options);
  const runs = await whileWorking('asks CodeBuild…', () => buildsOf(source, environment, options.limit));
  if (options.json) return printJson(runs.map(forPrograms));
  if (runs.length === 0) return print(`no build has verified ${environment} yet`);
  const rows = runs.map((run) => [
    String(run.number),
    run.release ? titleOf(run.release) : 'by hand',
    dayTime(run.began, source.timeZone),
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

function drawOutput({ run, lines }: BuildOutput, { json }: Options): void {
  const said = lines ?? [];
  if (json) printJson({ ...forPrograms(run), lines: said.map(({ at, text }) => ({ at: new Date(at).toISOString(), text })) });
  else if (lines === undefined) print(`build ${run.number} has said nothing yet`);
  else for (const { text } of said) print(plain(text));
}
