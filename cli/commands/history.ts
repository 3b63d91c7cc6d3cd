/** `shiplock history`: the promotions of an environment, or what ran there at some time. */
import type { Command } from 'commander';
import { dayTime, inZone } from '../../domain/text/times.ts';
import type { SourceOptions } from '../connection/options.ts';
import { UsageError } from '../terminal/errors.ts';
import { print, printJson } from '../terminal/output.ts';
import { table } from '../terminal/table.ts';
import { age, titleOf } from '../terminal/text.ts';
import { wholeNumber, withExamples, withSource } from './shared/options.ts';

type Options = SourceOptions & { readonly limit: number; readonly at?: string };

export function addHistory(program: Command): void {
  const command = program
    .command('history')
    .description('list the promotions into an environment and how they ended; with --at, what ran there at that time')
    .argument('[environment]', 'only this environment')
    .option('--limit <count>', 'how many promotions of each environment', wholeNumber, 50)
    .option('--at <time>', 'a time such as 2026-11-23T14:00:00+01:00');
  withExamples(withSource(command), 'history live', 'history live --at 2026-11-23T14:00:00+01:00').action(history);
}

async function history(environment: string | undefined, options: Options): Promise<void> {
  const { openSource } = await import('../connection/open.ts');
  const { knownEnvironment } = await import('../../queries/names.ts');
  const at = options.at === undefined ? undefined : Date.parse(options.at);
  if (Number.isNaN(at)) throw new UsageError(`--at ${options.at}: not a time; write it as 2026-11-23T14:00:00+01:00`);
  const source = await openSource(options);
  const { timeZone, pipeline } = source;
  const names = environment === undefined ? Object.keys(pipeline.environments) : [knownEnvironment(source, environment)];
  const limit = at === undefined ? options.limit : undefined;
  const { promotionsInto, ranAt } = await import('../../queries/history.ts');
  const promotions = await promotionsInto(source, names, limit);
  if (at !== undefined) {
    const ran = ranAt(promotions, at);
    if (options.json) return printJson(ran);
    const rows = ran.map(({ environment: where, release, since, message }) => [
      where,
      release.repository,
      release.tag,
      dayTime(Date.parse(since), timeZone),
      message,
    ]);
    return print(rows.length === 0 ? 'nothing had been promoted then' : table(['environment', 'repository', 'tag', 'since', 'what'], rows));
  }
  if (options.json) return printJson(promotions);
  const rows = promotions.map((promotion) => [
    dayTime(Date.parse(promotion.askedAt), timeZone),
    promotion.environment,
    titleOf(promotion.release),
    promotion.state,
    promotion.endedAt ? age(Date.parse(promotion.endedAt) - Date.parse(promotion.askedAt)) : '',
    [
      promotion.ordered ? `${promotion.ordered.verb} by ${promotion.ordered.by}` : '',
      inZone(promotion.reason ?? '', timeZone) || promotion.release.message,
    ]
      .filter(Boolean)
      .join(': '),
  ]);
  if (rows.length === 0)
    return print(environment === undefined ? 'nothing was promoted yet' : `nothing was promoted into ${environment} yet`);
  const head = ['asked', 'environment', 'release', 'state', 'took', 'what, or why'];
  // Of one environment, its name need not be said in every line.
  const left = (cells: readonly string[]) => (environment === undefined ? cells : cells.filter((_, column) => column !== 1));
  print(table(left(head), rows.map(left)));
}
