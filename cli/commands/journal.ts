/** `shiplock journal`: who did what, when and why. */
import type { Command } from 'commander';
import { journalLine, note, print, printJson, wholeNumber } from '../terminal/output.ts';
import { type SourceOptions, withExamples, withSource } from './shared/options.ts';

export function addJournal(program: Command): void {
  const command = program
    .command('journal')
    .description('who did what, when and why, oldest first')
    .option('--days <count>', 'so many days back', wholeNumber, 7);
  withExamples(withSource(command), 'journal --days 1').action(async (options: SourceOptions & { days: number }) => {
    const { openSource } = await import('../connection/source.ts');
    const { journal, timeZone, now } = await openSource(options);
    const { inOrder } = await import('../../queries/journal.ts');
    const entries = inOrder(await journal.days(lastDays(now(), options.days)));
    if (options.json) return printJson(entries);
    if (entries.length === 0) note(`nothing happened in the last ${options.days === 1 ? 'day' : `${options.days} days`}`);
    for (const entry of entries) print(journalLine(entry, timeZone));
  });
}

/** The days (UTC) of the journal, up to `days` back. */
const lastDays = (now: number, days: number): string[] =>
  Array.from({ length: days + 1 }, (_, back) => new Date(now - (days - back) * 86_400_000).toISOString().slice(0, 10));
