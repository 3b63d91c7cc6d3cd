/** The journal: the append-only record of who did what, when and why. */
import type { JournalEntry } from '../domain/ledger/records.ts';
import type { Connection } from './clients.ts';
import { isAbsent, Table } from './table.ts';

export class Journal {
  private readonly table: Table;

  constructor(table: string, connection: Connection = {}) {
    this.table = new Table(table, connection);
  }

  /** Writes an entry once: the same subject and event again change nothing. */
  async write(entry: JournalEntry): Promise<void> {
    const day = entry.at.slice(0, 10);
    await this.table.put(
      { pk: entry.subject, sk: entry.event },
      { ...entry, gpk: day, gsk: `${entry.at}#${entry.subject}#${entry.event}` },
      isAbsent,
    );
  }

  /** The entries of the days given (`YYYY-MM-DD`, UTC), oldest first. */
  async days(days: readonly string[]): Promise<JournalEntry[]> {
    const entries: JournalEntry[] = [];
    for (const day of days) entries.push(...(await this.table.queryIndex<JournalEntry>(day)));
    return entries;
  }

  /** What was said about one subject. */
  about(subject: string): Promise<JournalEntry[]> {
    return this.table.query<JournalEntry>(subject);
  }
}
