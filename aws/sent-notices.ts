/** What people have been told, and by which way: so that they are told once. */
import type { Connection } from './clients.ts';
import { type Key, Table } from './table.ts';

/** Days until it is forgotten: longer than anybody tries again. */
const KEPT_DAYS = 15;

const keyOf = (id: string, way: Way): Key => ({ pk: `NOTICE#${id}`, sk: way });

export type Way = 'topic' | 'slack' | 'teams';

export class SentNotices {
  private readonly table: Table;

  constructor(table: string, connection: Connection = {}) {
    this.table = new Table(table, connection);
  }

  async has(id: string, way: Way): Promise<boolean> {
    return (await this.table.get(keyOf(id, way))) !== undefined;
  }

  /** @param now milliseconds since the epoch */
  async put(id: string, way: Way, now: number): Promise<void> {
    await this.table.put(keyOf(id, way), { at: new Date(now).toISOString(), expiresAt: Math.floor(now / 1000) + KEPT_DAYS * 86_400 });
  }
}
