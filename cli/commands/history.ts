/** `shiplock history`: the promotions of an environment, or all. */
import type { Command } from 'commander';
import { DATA_FOLDER } from '../folder.ts';
import { clockTime, print, printJson, table, UsageError, wholeNumber } from '../output.ts';

export function addHistory(program: Command): void {
  program
    .command('history')
    .description('what was promoted into an environment, and how it ended')
    .argument('[environment]', 'one environment instead of all')
    .option('--limit <count>', 'at most so many for an environment', wholeNumber, 50)
    .option('--data <folder>', 'the state that a rehearsal left', DATA_FOLDER)
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  $ shiplock history live')
    .action(async (environment: string | undefined, options: { limit: number; data: string; json?: boolean }) => {
      const { openData } = await import('../data.ts');
      const { ledger, state } = openData(options.data);
      if (environment !== undefined && !state.environments.includes(environment))
        throw new UsageError(`no environment ${environment}; there are ${state.environments.join(', ')}`);
      const names = environment === undefined ? state.environments : [environment];
      const promotions = (await Promise.all(names.map((name) => ledger.promotions(name, options.limit)))).flat();
      promotions.sort((a, b) => b.askedAt.localeCompare(a.askedAt));
      if (options.json) return printJson(promotions);
      const rows = promotions.map((promotion) => [
        clockTime(Date.parse(promotion.askedAt), state.timeZone),
        promotion.environment,
        `${promotion.release.repository} ${promotion.release.tag}`,
        promotion.state,
        promotion.reason ?? '',
      ]);
      print(table(['asked', 'environment', 'release', 'state', 'why'], rows));
    });
}
