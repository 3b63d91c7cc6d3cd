/** `shiplock journal`: who did what, when and why. */
import type { Command } from 'commander';
import type { SourceOptions } from '../connection/options.ts';
import { journalLine } from '../terminal/journal-line.ts';
import { note, print, printJson } from '../terminal/output.ts';
import { wholeNumber, withExamples, withSource } from './shared/options.ts';

export function addJournal(program: Command): void {
  const command = program
    .command('journal')
    .description('show who did what, when and why, oldest first')
    .option('--days <count>', 'how many days back', wholeNumber, 7);
  withExamples(withSource(command), 'journal --days 1').action(async (options: SourceOptions & { days: number }) => {
    const { openSource } = await import('../connection/open.ts');
    const source = await openSource(options);
    const { entriesSince } = await import('../../queries/journal.ts');
    const entries = await entriesSince(source, options.days);
    if (options.json) return printJson(entries);
    if (entries.length === 0) note(`nothing happened in the last ${options.days === 1 ? 'day' : `${options.days} days`}`);
    for (const entry of entries) print(journalLine(entry, source.timeZone));
  });
}
