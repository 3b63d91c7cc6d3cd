/** `shiplock journal`: who did what, when and why. */
import type { Command } from 'commander';
import { DATA_FOLDER } from '../folder.ts';
import { journalLine, print, printJson, wholeNumber } from '../output.ts';

export function addJournal(program: Command): void {
  program
    .command('journal')
    .description('who did what, when and why, oldest first')
    .option('--days <count>', 'so many days back', wholeNumber, 7)
    .option('--data <folder>', 'the state that a rehearsal left', DATA_FOLDER)
    .option('--json', 'for programs')
    .addHelpText('after', '\nExample:\n  $ shiplock journal --days 1')
    .action(async (options: { days: number; data: string; json?: boolean }) => {
      const { lastDays, openData } = await import('../data.ts');
      const { journal, state } = openData(options.data);
      const entries = await journal.days(lastDays(state, options.days));
      if (options.json) return printJson(entries);
      for (const entry of entries) print(journalLine(entry, state.timeZone));
    });
}
