/** `shiplock releases`: what was pushed, how far it came, and where it runs; on a terminal, a picker. */
import { type Command, Option } from 'commander';
import type { SourceOptions } from '../connection/options.ts';
import { isTerminal } from '../terminal/colours.ts';
import { UsageError } from '../terminal/errors.ts';
import { print, printJson } from '../terminal/output.ts';
import { plain } from '../terminal/text.ts';
import { wholeNumber, withExamples, withSource } from './shared/options.ts';

type Options = SourceOptions & {
  readonly limit: number;
  readonly verified?: boolean;
  readonly pick?: boolean;
  readonly list?: boolean;
};

export function addReleases(program: Command): void {
  const command = program
    .command('releases')
    .description('list releases, newest first, with where they run')
    .argument('[repository]', 'only this repository')
    .option('--limit <count>', 'how many to list', wholeNumber, 100)
    .option('--verified', 'only those that are verified somewhere; on a terminal, choose one and see the next commands')
    .addOption(new Option('--list', 'list them on a terminal, too').conflicts('pick'))
    .option('--pick', 'choose one on the terminal, and print it as REPOSITORY@DIGEST');
  withExamples(withSource(command), 'releases --verified --limit 20', 'promote "$(shiplock releases orders --pick)" --to live').action(
    async (repository: string | undefined, options: Options) => {
      const { openSource } = await import('../connection/open.ts');
      const { knownRepository } = await import('../../queries/names.ts');
      const { choose, drawReleases, drawRelease } = await import('../terminal/release-list.ts');
      const { canAsk } = await import('../terminal/prompt.ts');
      const { listReleases } = await import('../../queries/releases.ts');
      const source = await openSource(options);
      if (repository !== undefined) knownRepository(source, repository);
      const list = await listReleases(source, options.limit, options.verified === true, repository);
      if (options.pick) {
        if (!canAsk()) throw new UsageError('--pick asks on a terminal, and this is none; name the release instead');
        const chosen = await choose(list, source.now(), source.timeZone);
        return options.json ? printJson(chosen) : print(`${chosen.repository}@${chosen.digest}`);
      }
      if (options.json) return printJson(list);
      if (options.verified && !options.list && list.length > 0 && canAsk() && isTerminal()) {
        const chosen = await choose(list, source.now(), source.timeZone).catch(left);
        if (chosen) return print(drawRelease(chosen, source, sourceWords(options)));
      }
      print(drawReleases(list, source.now(), source.timeZone));
    },
  );
}

/** The words that say where to look, again. */
function sourceWords({ data, config, profile, aws, as }: SourceOptions): string {
  const words = Object.entries({ data, config, profile, as }).filter(([, value]) => value !== undefined);
  return [...words.map(([name, value]) => ` --${name} ${plain(value ?? '')}`), aws ? ' --aws' : ''].join('');
}

/** Who chose nothing still has the list. */
function left(error: Error): undefined {
  if (error instanceof UsageError) return undefined;
  throw error;
}
