/** The journal: the append-only record of who did what, when and why. */
import type { JournalEntry } from '../domain/ledger/records.ts';
import type { Connection } from './clients.ts';
import { isAbsent, Table, type Write } from './table.ts';

export class Journal {
  private readonly table: Table;

  constructor(table: string, connection: Connection = {}) {
    this.table = new Table(table, connection);
  }

  /** Writes an entry once: the same subject and event again change nothing. */
  async write(entry: JournalEntry): Promise<void> {
    const { key, item, when } = this.writeOf(entry);
    await this.table.put(key, item ?? {}, when);
  }

  /**
   * Carries out writes of the ledger together with the entry that tells of them: both or neither. Where a run before this one has told
   * of it already, the writes alone.
   * @returns false if a condition of the writes did not hold
   */
  async writeWith(ledger: Table, writes: readonly Write[], entry: JournalEntry): Promise<boolean> {
    const failed = await ledger.tryTransact([...writes, this.writeOf(entry)]);
    if (failed.length === 0) return true;
    return failed.every((place) => place === writes.length) && ledger.transact(writes);
  }

  private writeOf(entry: JournalEntry): Write {
    const day = entry.at.slice(0, 10);
    return {
      table: this.table.name,
      key: { pk: entry.subject, sk: entry.event },
      item: { ...entry, gpk: day, gsk: `${entry.at}#${entry.subject}#${entry.event}` },
      when: isAbsent,
    };
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
