/** Which notices were sent to which channel, so that each is sent once. */
import { putMany } from './batch-writes.ts';
import type { Connection } from './clients.ts';
import { type Key, Table } from './table.ts';

/** Days until it is forgotten: longer than any retry. */
const KEPT_DAYS = 15;

const keyOf = (id: string, channel: Channel): Key => ({ pk: `NOTICE#${id}`, sk: channel });

export type Channel = 'topic' | 'slack' | 'teams';

const itemOf = (now: number) => ({ at: new Date(now).toISOString(), expiresAt: Math.floor(now / 1000) + KEPT_DAYS * 86_400 });

export class SentNotices {
  private readonly table: Table;

  constructor(table: string, connection: Connection = {}) {
    this.table = new Table(table, connection);
  }

  async has(id: string, channel: Channel): Promise<boolean> {
    return (await this.table.get(keyOf(id, channel))) !== undefined;
  }

  /** Those of the notices that were sent, in one read. */
  async among(ids: readonly string[], channel: Channel): Promise<ReadonlySet<string>> {
    const found = await this.table.getMany(ids.map((id) => keyOf(id, channel)));
    return new Set(ids.filter((_, index) => found[index] !== undefined));
  }

  /** @param now milliseconds since the epoch */
  async put(id: string, channel: Channel, now: number): Promise<void> {
    await this.table.put(keyOf(id, channel), itemOf(now));
  }

  /** The same of several, in one write. */
  async putMany(ids: readonly string[], channel: Channel, now: number): Promise<void> {
    await putMany(
      this.table,
      ids.map((id) => ({ ...keyOf(id, channel), ...itemOf(now) })),
    );
  }
}
